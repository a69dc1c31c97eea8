"""Scores of a market whose truth is known, for tests of what is made of them."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np

from closecast_predictor.scoring import Score

MODEL, VERSION = "closecast-panel", "3"
_LAST = date(2026, 3, 2)
_HALF_WIDTH = 1.2815515655446004
"""Of the 80 % interval of a standard normal."""
_COMMON = 0.4
"""Share of a return's variance that all symbols have in common, as measured on 20 stocks of B3."""


def scores_of(
    symbols: Sequence[str] | int = 20,
    sessions: int = 20,
    *,
    shift: float = 0.05,
    width: float = 1.0,
    seed: int = 0,
    model: str = MODEL,
    version: str = VERSION,
    last: date = _LAST,
) -> list[Score]:
    """Return the scores of forecasts one session ahead, of the sessions up to the last.

    Args:
        symbols: The symbols, or how many.
        sessions: How many sessions.
        shift: How far each median is off, in standard deviations of the return.
        width: Of the intervals, as a multiple of what would hold 80 %.
        seed: Of the returns; the same one gives the same market.
        model: The model that had spoken.
        version: Its version.
        last: The last session.
    """
    names = [f"SYM{number}" for number in range(symbols)] if isinstance(symbols, int) else list(symbols)
    random = np.random.default_rng(seed)
    own, common = random.standard_normal((len(names), sessions)), random.standard_normal(sessions)
    returns = np.sqrt(_COMMON) * common + np.sqrt(1 - _COMMON) * own
    volatility = random.uniform(0.01, 0.03, len(names))
    return [
        Score(
            symbol=symbol,
            session=last - timedelta(days=sessions - 1 - at),
            horizon=1,
            model=model,
            version=version,
            error=float(abs(returns[row, at] - shift) * volatility[row]),
            naive_error=float(abs(returns[row, at]) * volatility[row]),
            covered=bool(abs(returns[row, at] - shift) <= _HALF_WIDTH * width),
        )
        for row, symbol in enumerate(names)
        for at in range(sessions)
    ]


def by_symbol(scores: Sequence[Score]) -> dict[str, list[Score]]:
    """Return scores by symbol, as the book tells them."""
    found: dict[str, list[Score]] = defaultdict(list)
    for score in scores:
        found[score.symbol].append(score)
    return found
