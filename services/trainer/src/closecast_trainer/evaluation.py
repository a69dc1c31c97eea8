"""Judging a candidate by rolling origins, in the exact way in which it will be served."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from closecast.forecasting.base import pinball
from closecast.forecasting.metrics import score
from closecast.forecasting.panel import Panel
from closecast.forecasting.series import Floats
from closecast.forecasting.spec import Span
from closecast.horizons import HORIZONS, MEDIAN
from closecast_trainer.baselines import Origins, drift, ewma, naive, rolling_origins
from closecast_trainer.significance import diebold_mariano

CANDIDATE: Final = "candidate"
NAIVE: Final = "naive"
BASE: Final = "base"
CHAMPION: Final = "champion"
PANEL: Final = "panel"
"""The panel's champion, beside a symbol's own model."""

_AT_ONCE: Final = 512


class NothingToJudgeError(ValueError):
    """No symbol has a session in the test slice from which all horizons are known."""


class Forecaster(Protocol):
    """What can be judged: `closecast.forecasting.bundle.Bundle` and `closecast.forecasting.base.BaseForecaster`."""

    @property
    def context(self) -> int:
        """Sessions of a history that a forecast can depend on."""

    def forecast(self, panel: Panel) -> Floats:
        """Return price quantiles, ``[symbols, HORIZONS, levels]``, for the sessions after each row's latest."""


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """How a candidate, the baselines and the champion did at the same origins.

    Attributes:
        symbols: Symbols of the panel; `origins.rows` points into it.
        origins: What was forecast, and what came.
        quantiles: Price quantiles by model, ``[origins, HORIZONS, levels]``.
        metrics: Measures by model and name over all horizons; see `closecast.forecasting.metrics`.
        by_horizon: Mean pinball loss of log returns by model, ``[HORIZONS]``.
        step: Sessions between two origins.
    """

    symbols: tuple[str, ...]
    origins: Origins
    quantiles: Mapping[str, Floats]
    metrics: dict[str, dict[str, float]]
    by_horizon: dict[str, tuple[float, ...]]
    step: int

    @property
    def skill(self) -> float:
        """1 - mqloss / mqloss of naive: above 0 is better than naive, 1 would be perfect."""
        return 1 - self.metrics[CANDIDATE]["mqloss"] / self.metrics[NAIVE]["mqloss"]

    @property
    def skill_by_horizon(self) -> tuple[float, ...]:
        """The same for each horizon."""
        pairs = zip(self.by_horizon[CANDIDATE], self.by_horizon[NAIVE], strict=True)
        return tuple(1 - own / reference for own, reference in pairs)

    def loss(self, model: str, steps: int) -> float:
        """Return a model's mean pinball loss over the horizons from 1 to `steps`."""
        return float(np.mean(self.by_horizon[model][:steps]))

    def compare(self, reference: str) -> "Comparison":
        """Test whether the candidate's pinball loss and absolute error differ from a reference's."""
        return Comparison(
            mqloss=self._diebold_mariano(self.losses(CANDIDATE) - self.losses(reference)),
            mae=self._diebold_mariano(self.absolute_errors(CANDIDATE) - self.absolute_errors(reference)),
        )

    def losses(self, model: str) -> Floats:
        """Return a model's pinball losses of log returns, averaged over the levels, ``[origins, HORIZONS]``."""
        last_close = self.origins.last_close
        actual = np.log(self.origins.actual / last_close[:, None])
        losses: Floats = pinball(actual, np.log(self.quantiles[model] / last_close[:, None, None])).mean(axis=2)
        return losses

    def absolute_errors(self, model: str) -> Floats:
        """Return the absolute errors of a model's median, in log returns, ``[origins, HORIZONS]``."""
        errors: Floats = np.abs(np.log(self.origins.actual / self.quantiles[model][..., MEDIAN]))
        return errors

    def by_session(self, values: Floats) -> Floats:
        """Average what origins of the same session have, ``[origins, n]``, in order of time: ``[sessions, n]``."""
        _, session, counts = np.unique(self.origins.sessions, return_inverse=True, return_counts=True)
        totals = [np.bincount(session, weights=column) for column in values.T]
        return np.stack(totals, axis=1) / counts[:, None]

    def ahead(self, horizon: int = HORIZONS) -> int:
        """Return how many origins a forecast reaches over."""
        return -(-horizon // self.step)

    def _diebold_mariano(self, difference: Floats) -> float:
        return diebold_mariano(self.by_session(difference).mean(axis=1), self.ahead())


@dataclass(frozen=True, slots=True)
class Comparison:
    """Probability of a difference at least this much to the candidate's disadvantage if there were none.

    Attributes:
        mqloss: For the pinball loss of all quantiles.
        mae: For the absolute error of the median.
    """

    mqloss: float
    mae: float


def evaluate(
    candidate: Forecaster,
    base: Forecaster,
    panel: Panel,
    span: Span,
    *,
    champion: Forecaster | None = None,
    panel_champion: Forecaster | None = None,
    step: int = 5,
) -> Evaluation:
    """Forecast from every `step`-th session of a span with every model, and measure all of them alike.

    A model is given each history as it was at the origin, so it cannot see what came later.

    Args:
        candidate: The exported artefact, as it will be served.
        base: The base that the candidate corrects.
        panel: The histories.
        span: The sessions to forecast from.
        champion: The model that is served now, if there is one.
        panel_champion: The panel's champion, if the candidate is to stand in for it and there is one.
        step: Sessions between two origins.

    Raises:
        NothingToJudgeError: If no session of the span can be forecast from and judged.
    """
    origins = rolling_origins(panel, span, step)
    if not len(origins):
        raise NothingToJudgeError(f"no session from {span.start} to {span.end} can be judged over {HORIZONS} sessions")
    quantiles = {
        CANDIDATE: forecast_at(candidate, panel, origins),
        NAIVE: naive(panel, origins),
        "drift": drift(panel, origins),
        "ewma": ewma(panel, origins),
        BASE: forecast_at(base, panel, origins),
    }
    for name, served in ((CHAMPION, champion), (PANEL, panel_champion)):
        if served is not None:
            quantiles[name] = forecast_at(served, panel, origins)
    metrics = {
        model: score(forecast, origins.actual, origins.last_close, origins.rows)
        for model, forecast in quantiles.items()
    }
    evaluation = Evaluation(panel.symbols, origins, quantiles, metrics, {}, step)
    for model in quantiles:
        evaluation.by_horizon[model] = tuple(map(float, evaluation.losses(model).mean(axis=0)))
    return evaluation


def forecast_at(forecaster: Forecaster, panel: Panel, origins: Origins) -> Floats:
    """Return what a model forecasts at each origin from the history up to it, ``[origins, HORIZONS, levels]``."""
    return np.concatenate(
        [forecaster.forecast(histories) for histories in histories_at(panel, origins, forecaster.context)]
    )


def histories_at(panel: Panel, origins: Origins, context: int) -> Iterator[Panel]:
    """Yield the latest sessions that were known at each origin, some origins at a time."""
    for start in range(0, len(origins), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        yield panel.windows(origins.rows[part], origins.columns[part], context)
