"""Panels to train on: small ones that volatility clusters in, so that there is something to learn."""

import numpy as np

from closecast.forecasting.panel import Panel
from closecast.forecasting.series import Series
from closecast_trainer.config import TrainingConfig

QUICK = TrainingConfig(epochs=2, members=2, hidden_size=4, layers=1, sequence_length=64, batch_size=16)


def make_series(symbol: str, sessions: int, seed: int) -> Series:
    """Return a walk whose volatility halves and doubles slowly."""
    random = np.random.default_rng(seed)
    volatility = 0.02 * np.exp(0.7 * np.sin(np.arange(sessions) / 40 + seed))
    close = 50 * np.exp(np.cumsum(volatility * random.standard_normal(sessions)))
    opening = close * np.exp(0.3 * volatility * random.standard_normal(sessions))
    reach = np.exp(np.abs(0.5 * volatility * random.standard_normal((2, sessions))))
    return Series.from_columns(
        symbol,
        session=np.datetime64("2010-01-01") + np.arange(sessions),
        open=opening,
        high=np.maximum(opening, close) * reach[0],
        low=np.minimum(opening, close) / reach[1],
        close=close,
        volume=random.integers(1_000, 100_000, sessions),
    )


def make_panel(symbols: int = 3, sessions: int = 600) -> Panel:
    """Return a panel of walks of the same sessions."""
    return Panel.of([make_series(f"S{number}", sessions, number) for number in range(symbols)])


def shuffled_after(panel: Panel, cut: int) -> Panel:
    """Return a panel whose sessions from a column on hold the prices of others of them."""
    order = np.concatenate([np.arange(cut), np.random.default_rng(1).permutation(np.arange(cut, panel.width))])
    return Panel.of(
        [
            Series.from_columns(
                symbol,
                session=panel.sessions[row],
                **{name: getattr(panel, name)[row, order] for name in ("open", "high", "low", "close", "volume")},
            )
            for row, symbol in enumerate(panel.symbols)
        ]
    )
