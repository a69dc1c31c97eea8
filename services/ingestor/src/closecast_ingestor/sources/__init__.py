"""Where quotes are read: Yahoo, a folder of CSV files, or a sample that needs no network."""
