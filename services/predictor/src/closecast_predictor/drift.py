"""Whether the version that speaks still forecasts as it should: live error and coverage, as closes arrive.

Only forecasts one session ahead are judged: they do not overlap. Those ten sessions ahead share nine of their sessions
with the next, so that a month of them says as much as two.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal, Self

import numpy as np
from pydantic import Field, model_validator
from pydantic_settings import SettingsConfigDict

from closecast.forecasting.series import Floats, Sessions
from closecast.horizons import LEVELS, LOWER_80, UPPER_80
from closecast.settings import SettingsGroup
from closecast_predictor.scoring import Score

DriftKind = Literal["error", "coverage"]
"""What drifts: the error of the median against naive's, or the coverage of the 80 % interval."""

DRIFT_KINDS: Final[tuple[DriftKind, ...]] = ("error", "coverage")

_COVERAGE: Final = LEVELS[UPPER_80] - LEVELS[LOWER_80]
_MOST_EXCESS: Final = 3.0
"""One forecast counts at most this many times naive's mean error, or one wrong price would drown all others."""

_HITS_IN_COMMON: Final = 0.1
"""Correlation of two symbols' hits in a session; 0.09 on 20 stocks of B3 from 2017 to 2025."""

_DIGITS: Final = 9
"""A share that is off by exactly the margin is not off by more."""


class DriftSettings(SettingsGroup):
    """When live forecasts are worse than they may be."""

    model_config = SettingsConfigDict(env_prefix="CLOSECAST_PREDICTOR_DRIFT_", extra="forbid", frozen=True)

    sessions: int = Field(
        default=20,
        ge=5,
        le=250,
        description="Latest sessions whose forecasts, made one session ahead, are judged; as far as score_days reach.",
    )
    min_sessions: int = Field(
        default=10,
        ge=5,
        le=250,
        description="Fewest sessions that a version is judged by; a symbol with fewer scores of it does not count.",
    )
    error_margin: float = Field(
        default=0.1,
        ge=0,
        description="Share by which the median symbol's error may exceed that of the last close before it drifts.",
    )
    coverage_margin: float = Field(
        default=0.12,
        ge=0,
        lt=1,
        description="How far the median symbol's coverage of the 80 % interval may be off, either way.",
    )
    standard_errors: float = Field(
        default=3,
        ge=0,
        description="How many standard errors, over the sessions, anything must be off by to be no accident.",
    )
    request_training: bool = Field(
        default=True, description="Ask for a training, once for each version that drifts; otherwise only raise alarm."
    )

    @model_validator(mode="after")
    def _can_be_judged(self) -> Self:
        if self.min_sessions > self.sessions:
            msg = f"min_sessions: {self.min_sessions} is more than sessions {self.sessions}"
            raise ValueError(msg)
        return self


@dataclass(frozen=True, slots=True)
class Judgement:
    """How a version has fared live.

    Attributes:
        sessions: Sessions that it was judged by.
        symbols: Symbols that it was judged by.
        error_ratio: Error of the median over naive's, of the median symbol; none if no close has moved.
        coverage: Share of closes in the 80 % interval, of the median symbol.
        drifts: What is off by more than it may.
    """

    sessions: int
    symbols: int
    error_ratio: float | None
    coverage: float
    drifts: frozenset[DriftKind]


class DriftMonitor:
    """Keeps the latest scores of every symbol, and judges a version by those that are its own.

    It holds nothing that the forecasts and quotes do not tell, so that a restart and a corrected quote need no care.

    Args:
        settings: When a version drifts.
    """

    def __init__(self, settings: DriftSettings) -> None:
        self._settings = settings
        self._records: dict[str, dict[tuple[str, str], _Record]] = {}

    def note(self, symbol: str, scores: Iterable[Score]) -> None:
        """Take in the latest scores of a symbol, one session ahead, in place of those before."""
        by_version: dict[tuple[str, str], list[Score]] = defaultdict(list)
        for score in scores:
            by_version[score.model, score.version].append(score)
        self._records[symbol] = {version: _Record.of(own) for version, own in by_version.items()}

    def judge(self, model: str, version: str, symbol: str | None = None) -> Judgement | None:
        """Judge a version by its own scores.

        A figure drifts if it is off for the median symbol by more than its margin, so that no one symbol of three or
        more raises an alarm alone, and if the mean over symbols, session by session, is off by more than so many
        standard errors. Symbols move together within a session, sessions do not: whether forecasts that are right miss
        a close has nothing to do with the last one (Christoffersen, Evaluating Interval Forecasts, International
        Economic Review 39, 1998). The same statistic of the errors is that of Diebold and Mariano (Journal of Business
        & Economic Statistics 13, 1995) for one step ahead.

        Args:
            model: Name of the registered model.
            version: The version of it that speaks.
            symbol: The one symbol that it is the own model of; None for the panel's.

        Returns:
            None if no symbol has scores of enough sessions.
        """
        noted = self._records.values() if symbol is None else (self._records.get(symbol, {}),)
        records = [own for by_version in noted if (own := by_version.get((model, version))) is not None]
        if not records:
            return None
        error, naive_error, covered = _by_symbol_and_session(records, self._settings.sessions)
        enough = (~np.isnan(error)).sum(axis=1) >= self._settings.min_sessions
        if not enough.any():
            return None
        error, naive_error, covered = error[enough], naive_error[enough], covered[enough]
        ratio, error_drifts = _judge_error(error, naive_error, self._settings)
        coverage, coverage_drifts = _judge_coverage(covered, self._settings)
        drifts: dict[DriftKind, bool] = {"error": error_drifts, "coverage": coverage_drifts}
        return Judgement(
            sessions=int((~np.isnan(error)).any(axis=0).sum()),
            symbols=len(error),
            error_ratio=ratio,
            coverage=coverage,
            drifts=frozenset(kind for kind, it_does in drifts.items() if it_does),
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Record:
    """The scores of one symbol and version: sessions ``[n]``; error, naive's error and coverage ``[3, n]``."""

    sessions: Sessions
    figures: Floats

    @classmethod
    def of(cls, scores: Sequence[Score]) -> "_Record":
        sessions: Sessions = np.array([score.session for score in scores], dtype="datetime64[D]")
        return cls(sessions, np.array([(one.error, one.naive_error, float(one.covered)) for one in scores]).T)


def _by_symbol_and_session(records: Sequence[_Record], latest: int) -> Floats:
    """Return the figures of the latest sessions, ``[3, symbols, sessions]``, NaN where there is no score."""
    rows = np.repeat(np.arange(len(records)), [len(record.sessions) for record in records])
    days = np.concatenate([record.sessions for record in records])
    figures = np.concatenate([record.figures for record in records], axis=1)
    sessions = np.unique(days)[-latest:]
    kept = days >= sessions[0]
    table = np.full((3, len(records), len(sessions)), np.nan)
    table[:, rows[kept], np.searchsorted(sessions, days[kept])] = figures[:, kept]
    return table


def _judge_error(error: Floats, naive_error: Floats, settings: DriftSettings) -> tuple[float | None, bool]:
    usual = np.nanmean(naive_error, axis=1)
    moved = usual > 0
    if not moved.any():
        return None, False
    error, naive_error, usual = error[moved], naive_error[moved], usual[moved, None]
    ratio = float(np.median(np.nanmean(error, axis=1) / usual[:, 0]))
    excess = np.clip((error - naive_error) / usual, -_MOST_EXCESS, _MOST_EXCESS)
    off = _off_by_standard_errors(_mean_by_session(excess))
    return ratio, round(ratio - 1, _DIGITS) > settings.error_margin and off > settings.standard_errors


def _judge_coverage(covered: Floats, settings: DriftSettings) -> tuple[float, bool]:
    coverage = float(np.median(np.nanmean(covered, axis=1)))
    # What right intervals show at least: a few sessions that are all alike by chance prove no certainty.
    symbols = (~np.isnan(covered)).sum() / (~np.isnan(covered)).any(axis=0).sum()
    least = _COVERAGE * (1 - _COVERAGE) * float(_HITS_IN_COMMON + (1 - _HITS_IN_COMMON) / symbols)
    off = _off_by_standard_errors(_mean_by_session(covered) - _COVERAGE, least)
    excess = coverage - _COVERAGE
    return coverage, round(abs(excess), _DIGITS) > settings.coverage_margin and (
        math.copysign(1, excess) * off > settings.standard_errors
    )


def _mean_by_session(values: Floats) -> Floats:
    known = ~np.isnan(values).all(axis=0)
    means: Floats = np.nanmean(values[:, known], axis=0)
    return means


def _off_by_standard_errors(by_session: Floats, least_variance: float = 0.0) -> float:
    """Return how many standard errors the mean over sessions is away from zero, with its sign."""
    mean = float(by_session.mean())
    variance = max(float(by_session.var(ddof=1)), least_variance)
    if mean == 0 or variance == 0:
        return math.copysign(math.inf, mean) if mean else 0.0
    return mean / math.sqrt(variance / len(by_session))
