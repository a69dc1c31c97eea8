"""Forecasts of histories that come with a request."""

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from http import HTTPStatus
from itertools import pairwise
from operator import lt
from typing import Final, Self

import numpy as np

from closecast.calendars import Exchange, ExchangeCalendar, calendar_of, exchange_of
from closecast.forecasting.panel import Panel
from closecast.forecasting.series import Floats, Series
from closecast.horizons import LEVELS, MEDIAN
from closecast_predictor import metrics
from closecast_predictor.api.errors import ProblemError
from closecast_predictor.api.schemas.forecasts import FEWEST_SESSIONS, HorizonAnswer, PredictAnswer
from closecast_predictor.api.schemas.histories import History
from closecast_predictor.inference import round_prices
from closecast_predictor.snapshot import Model

_NAMELESS: Final = "history"
_LEVEL_NAMES: Final = tuple(map(str, LEVELS))
_EPOCH: Final = date(1970, 1, 1).toordinal()

_calendars_made: set[str] = set()


def has_calendar(symbol: str | None) -> bool:
    """Tell whether the calendar that the forecast of a history needs has been made."""
    return exchange_of(symbol or "").mic in _calendars_made


async def make_calendar(symbol: str | None) -> None:
    """Make the calendar that the forecast of a history needs, once: it takes most of a second, the forecast little."""
    if not has_calendar(symbol):
        mic = exchange_of(symbol or "").mic
        await asyncio.to_thread(calendar_of, mic)
        _calendars_made.add(mic)


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """A history that can be forecast.

    Attributes:
        series: The history.
        dates: Its sessions; None if it has no dates.
        exchange: Where it is traded; None if it is of no known symbol.
        horizon: Sessions ahead.
        sessions: The sessions that follow; None if it has no dates.
    """

    series: Series
    dates: list[date] | None
    exchange: Exchange | None
    horizon: int
    sessions: tuple[date, ...] | None

    @classmethod
    def of(cls, history: History, symbol: str | None, horizon: int, most_sessions: int) -> Self:
        """Make the question of a history.

        Args:
            history: Its columns.
            symbol: Whose history it is; its exchange tells the sessions that follow.
            horizon: Sessions ahead.
            most_sessions: Sessions above which a history is refused.

        Raises:
            ProblemError: If the history is too short or too long, or its dates are not in order.
        """
        if not FEWEST_SESSIONS <= len(history) <= most_sessions:
            raise _refused("history", f"needs {FEWEST_SESSIONS} to {most_sessions} sessions, has {len(history)}")
        dates = _dates(history.date or [])
        exchange = exchange_of(symbol) if symbol is not None else None
        sessions = _sessions_ahead(dates, exchange, horizon)
        return cls(_series(history, dates, symbol), dates, exchange, horizon, sessions)

    def answer(self, model: Model, quantiles: Floats) -> PredictAnswer:
        """Return the answer.

        Args:
            model: Who spoke.
            quantiles: Of prices, ``[horizons, levels]``.
        """
        prices = round_prices(quantiles)
        return PredictAnswer(
            symbol=None if self.exchange is None else self.series.symbol,
            exchange=self.exchange.mic if self.exchange else None,
            currency=self.exchange.currency if self.exchange else None,
            model=model.name,
            version=model.version,
            why=model.why,
            skill=model.skill,
            origin=self.dates[-1] if self.dates else None,
            last_close=float(self.series.close[-1]),
            predicted_close=float(prices[0, MEDIAN]),
            made_at=datetime.now(UTC),
            lookback_days=None,
            forecast=[_horizon_answer(ahead, self.sessions, prices[ahead - 1]) for ahead in range(1, self.horizon + 1)],
            horizon=self.horizon,
            data_age_seconds=_age_s(self.dates, self.exchange),
        )


def forecast_history(
    model: Model, history: History, symbol: str | None, horizon: int, most_sessions: int
) -> PredictAnswer:
    """Return the forecast of a history; see `Question.of`."""
    question = Question.of(history, symbol, horizon, most_sessions)
    with metrics.INFERENCE_DURATION.labels("history").time():
        ((speaker, quantiles),) = model.forecast(Panel.of([question.series]))
    return question.answer(speaker, quantiles)


def _dates(column: Sequence[date | None]) -> list[date] | None:
    """Return the dates of a history, None if it has none."""
    dates = [day for day in column if day is not None]
    if not dates:
        return None
    if len(dates) != len(column):
        raise _refused(f"history.{column.index(None)}.date", "is missing: give dates on all sessions or on none")
    if not all(map(lt, dates, dates[1:])):
        at = next(at for at, (earlier, later) in enumerate(pairwise(dates), start=1) if later <= earlier)
        raise _refused(f"history.{at}.date", f"{dates[at]} does not follow {dates[at - 1]}")
    return dates


def _sessions_ahead(dates: list[date] | None, exchange: Exchange | None, horizon: int) -> tuple[date, ...] | None:
    if dates is None:
        return None
    try:
        return _calendar(exchange).next_sessions(dates[-1], horizon)
    except ValueError as error:
        raise _refused(f"history.{len(dates) - 1}.date", str(error)) from error


def _age_s(dates: list[date] | None, exchange: Exchange | None) -> int | None:
    """Return the seconds since the close of the latest session; None if there are no dates or it is no session."""
    if dates is None or not _calendar(exchange).is_session(dates[-1]):
        return None
    return max(0, int((datetime.now(UTC) - _calendar(exchange).closes_at(dates[-1])).total_seconds()))


def _calendar(exchange: Exchange | None) -> ExchangeCalendar:
    return calendar_of((exchange or exchange_of("")).mic)


def _series(history: History, dates: list[date] | None, symbol: str | None) -> Series:
    # Without dates any that ascend will do: no feature looks at the calendar. By ordinals, because NumPy takes twenty
    # times as long to make days of dates.
    days = [day.toordinal() - _EPOCH for day in dates] if dates else range(len(history))
    return Series.from_columns(
        symbol or _NAMELESS,
        session=np.array(days).astype("datetime64[D]"),
        open=_known(history.open),
        high=_known(history.high),
        low=_known(history.low),
        close=history.close,
        volume=_known(history.volume),
    )


def _known(column: Floats | None) -> Floats | float:
    return math.nan if column is None else column


def _horizon_answer(ahead: int, sessions: tuple[date, ...] | None, prices: Floats) -> HorizonAnswer:
    return HorizonAnswer(
        horizon=ahead,
        session=sessions[ahead - 1] if sessions else None,
        median=float(prices[MEDIAN]),
        quantiles=dict(zip(_LEVEL_NAMES, prices.tolist(), strict=True)),
    )


def _refused(field: str, reason: str) -> ProblemError:
    return ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, reason, field=field)
