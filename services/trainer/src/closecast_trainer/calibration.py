"""Whether what was forecast with a probability came as often: shares, and the band that chance allows."""

import math
from typing import Final

import numpy as np

from closecast.forecasting.card import INTERVALS, Calibration, Share
from closecast.forecasting.series import Floats
from closecast.horizons import HORIZONS, LEVELS
from closecast_trainer.evaluation import CANDIDATE, Evaluation
from closecast_trainer.significance import reach

_ALL: Final = slice(None)
_NORMAL_95: Final = 1.959964
_OUTER: Final = tuple(LEVELS.index(round((1 - nominal) / 2, 3)) for nominal in INTERVALS)
"""Position in `LEVELS` of the lower bound of each interval; the upper one lies opposite."""


def calibration(evaluation: Evaluation, horizon: int | None = None) -> Calibration | None:
    """Return how often closes came below the candidate's quantiles and within its intervals.

    Args:
        evaluation: The candidate's.
        horizon: Sessions ahead; None for all horizons together.

    Returns:
        None if a quantile is not a number.
    """
    chosen = _ALL if horizon is None else slice(horizon - 1, horizon)
    quantiles = evaluation.quantiles[CANDIDATE][:, chosen]
    actual = evaluation.origins.actual[:, chosen, None]
    if not np.isfinite(quantiles).all():
        return None
    below = (actual <= quantiles).mean(axis=1)
    inside = covered(evaluation, chosen)
    ahead = evaluation.ahead(horizon or HORIZONS)

    def shares(nominal: tuple[float, ...], came: Floats) -> tuple[Share, ...]:
        by_session = evaluation.by_session(came)
        return tuple(share(by_session[:, at], one, ahead, len(came)) for at, one in enumerate(nominal))

    return Calibration(quantiles=shares(LEVELS, below), intervals=shares(INTERVALS, inside))


def covered(evaluation: Evaluation, horizons: slice = _ALL) -> Floats:
    """Return the share of closes within each of the candidate's intervals, ``[origins, len(INTERVALS)]``."""
    quantiles = evaluation.quantiles[CANDIDATE][:, horizons]
    actual = evaluation.origins.actual[:, horizons, None]
    opposite = [len(LEVELS) - 1 - lower for lower in _OUTER]
    inside: Floats = ((quantiles[..., _OUTER] <= actual) & (actual <= quantiles[..., opposite])).mean(axis=1)
    return inside


def share(by_session: Floats, nominal: float, ahead: int, forecasts: int) -> Share:
    """Return how often something came, and where that share would lie if the nominal one were right.

    The band is a consistency bar as in reliability diagrams (Bröcker and Smith, Weather and Forecasting 22, 2007), but
    not resampled: symbols of one session move together and horizons overlap, so that its width is that of a confidence
    interval over sessions. It is never narrower than for forecasts that are independent, which matters where nothing or
    everything came; with too few sessions to tell, each counts as one forecast.

    Args:
        by_session: Share in each session that was forecast from, in order of time.
        nominal: The probability that was forecast.
        ahead: Origins that a forecast reaches over.
        forecasts: How many of them there are in all sessions.
    """
    measured = reach(by_session, ahead)
    independent = len(by_session) if math.isnan(measured) else forecasts
    width = max(
        0.0 if math.isnan(measured) else measured, _NORMAL_95 * math.sqrt(nominal * (1 - nominal) / independent)
    )
    return Share(
        nominal=nominal,
        observed=float(np.clip(by_session.mean(), 0, 1)),
        consistent=(max(0.0, nominal - width), min(1.0, nominal + width)),
    )
