"""The trainer: keeps the history of quotes, trains the panel model when the data call for it, registers versions."""
