"""Dividends and splits: out of an adjusted close, and back to prices as traded."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from closecast.events import Quote
from closecast_ingestor.sources.base import PRICE_DECIMALS, Folding, Row

_RELATIVE_NOISE: Final = 1e-6
"""Yahoo keeps prices in 32-bit floats: a factor of two of them is good to about one part in ten million."""

_LEAST_SPLIT: Final = 1.2
_MOST_REVERSE_SPLIT: Final = 0.84
_LARGEST_DENOMINATOR: Final = 20
_LARGEST_DIVIDEND_BESIDE_SPLIT: Final = 0.05


class Interval(NamedTuple):
    """The values that rounding leaves open."""

    low: float
    high: float

    @property
    def middle(self) -> float:
        """The best single guess."""
        return (self.low + self.high) / 2

    def __truediv__(self, other: "Interval") -> "Interval":
        return Interval(self.low / other.high, self.high / other.low)


def derive_actions(rows: Sequence[Row], folding: Folding) -> None:
    """Fill in the dividends and splits of rows whose adjusted close folds them, in order of session.

    The factor f = adjusted close / close is constant between two actions. A split into S shares with ex-date t makes
    f(t-1) = f(t) / S; a dividend D makes f(t-1) = f(t) (1 - D / close(t-1)) or f(t) / (1 + D / close(t)), as the source
    has it. An adjusted close that is rounded (to cents, in many files) shows f with noise. So each row bounds f by an
    interval, and an action is seen where no single f fits all rows since the last one: noise makes no
    dividends, and the factor of a span of rows is known far better than that of any one row.

    A ratio of factors counts as a split if it is at least 1.2, or at most 0.84, and the interval holds a fraction with
    a denominator of at most 20, or lies at most 5 % (a dividend on the same day) above a whole number. A falling
    factor, which no dividend can cause, counts as a split too. Any other rise is a dividend.
    """
    if not rows:
        return
    close = np.array([row.close for row in rows])
    adjusted = np.array([row.adjusted_close for row in rows])
    half_width = np.maximum(_rounding(adjusted), _RELATIVE_NOISE * adjusted)
    low, high = ((adjusted - half_width) / close).tolist(), ((adjusted + half_width) / close).tolist()

    spans = _spans_of_constant_factor([Interval(*bounds) for bounds in zip(low, high, strict=True)])
    for (_, before), (start, after) in pairwise(spans):
        row = rows[start]
        row.split, rest = _split_and_rest(after / before)
        if folding is Folding.TOTAL_RETURN:
            dividend = row.close * (rest - 1)
        else:
            dividend = rows[start - 1].close / row.split * (1 - 1 / rest)
        row.dividend = max(0.0, round(dividend, PRICE_DECIMALS))


def _split_and_rest(rise: Interval) -> tuple[float, float]:
    """Return the split in a rise of the factor, 1 for none, and the rise that is left for a dividend."""
    ratio = rise.middle
    if ratio >= _LEAST_SPLIT or ratio <= _MOST_REVERSE_SPLIT:
        if split := _simple_fraction(rise):
            return split, 1.0
        split = float(int(ratio))
        if split > 1 and ratio / split <= 1 + _LARGEST_DIVIDEND_BESIDE_SPLIT:
            return split, ratio / split
    return (round(ratio, PRICE_DECIMALS), 1.0) if ratio < 1 else (1.0, ratio)


def later_splits(splits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return for each session how many of the last session's shares one of its shares has become.

    Args:
        splits: Splits by session, 1 for none, shape [sessions].
    """
    from_here_on = np.cumprod(splits[::-1])[::-1]
    return np.append(from_here_on[1:], 1.0)


def _spans_of_constant_factor(factors: Sequence[Interval]) -> list[tuple[int, Interval]]:
    """Return where each span of one constant factor begins, and that factor: the greedy, hence shortest, partition."""
    spans = [(0, factors[0])]
    for index, (low, high) in enumerate(factors):
        start, span = spans[-1]
        if low > span.high or high < span.low:
            spans.append((index, Interval(low, high)))
        else:
            spans[-1] = start, Interval(max(low, span.low), min(high, span.high))
    return spans


def _rounding(values: NDArray[np.float64]) -> float:
    """Return half a unit of the last decimal that the values are written with."""
    decimals = 2
    while decimals < PRICE_DECIMALS and not np.allclose(values, values.round(decimals), rtol=0, atol=1e-9):
        decimals += 1
    return 0.5 * float(10.0**-decimals)


def _simple_fraction(rise: Interval) -> float | None:
    """Return the simplest fraction in the interval, None if that is not simple."""
    for denominator in range(1, _LARGEST_DENOMINATOR + 1):
        numerator = round(rise.middle * denominator)
        fraction = numerator / denominator
        if rise.low <= fraction <= rise.high and fraction != 1:
            return fraction
    return None


def fold_actions(quotes: Sequence[Quote]) -> list[float]:
    """Return the adjusted closes that fold the dividends and splits of quotes as Yahoo does, latest price unchanged.

    It undoes `derive_actions`: rows with these adjusted closes give the same dividends and splits again.
    """
    factor = 1.0
    folded: list[float] = []
    for quote, previous in zip(reversed(quotes), [*reversed(quotes[:-1]), None], strict=False):
        folded.append(quote.close * factor)
        if previous is not None:
            factor *= (1 - quote.dividend * quote.split / previous.close) / quote.split
    return folded[::-1]
