"""Forecasts of histories that come with a request."""

from datetime import UTC, date, datetime
from http import HTTPStatus
from typing import Any

import numpy as np

from closecast.calendars import Exchange, ExchangeCalendar, calendar_of, exchange_of
from closecast.forecasting.panel import Panel
from closecast.forecasting.series import Floats, Series
from closecast.horizons import LEVELS, MEDIAN
from closecast_predictor import metrics
from closecast_predictor.api.errors import ProblemError
from closecast_predictor.api.schemas.forecasts import FEWEST_SESSIONS, HistoryRow, HorizonAnswer, PredictAnswer
from closecast_predictor.inference import round_prices
from closecast_predictor.snapshot import Model

_NAMELESS = "history"


def forecast_history(
    model: Model, history: list[HistoryRow] | list[float], symbol: str | None, horizon: int, most_sessions: int
) -> PredictAnswer:
    """Return the forecast of a history.

    Args:
        model: What forecasts.
        history: Sessions or closes, oldest first.
        symbol: Whose history it is; its exchange tells the sessions that follow.
        horizon: Sessions ahead.
        most_sessions: Sessions above which a history is refused.

    Raises:
        ProblemError: If the history is too short or too long, or its dates are not in order.
    """
    if not FEWEST_SESSIONS <= len(history) <= most_sessions:
        raise _refused("history", f"needs {FEWEST_SESSIONS} to {most_sessions} sessions, has {len(history)}")
    rows = [row if isinstance(row, HistoryRow) else HistoryRow.model_construct(close=row) for row in history]
    dates = _dates(rows)
    exchange = exchange_of(symbol) if symbol is not None else None
    sessions = _sessions_ahead(dates, exchange, horizon)
    with metrics.INFERENCE_DURATION.labels("history").time():
        prices = round_prices(model.forecaster.forecast(Panel.of([_series(rows, dates, symbol)]))[0])
    return PredictAnswer(
        symbol=symbol,
        exchange=exchange.mic if exchange else None,
        currency=exchange.currency if exchange else None,
        model=model.name,
        version=model.version,
        skill=model.skill,
        origin=dates[-1] if dates else None,
        last_close=rows[-1].close,
        predicted_close=float(prices[0, MEDIAN]),
        made_at=datetime.now(UTC),
        lookback_days=None,
        forecast=[_horizon_answer(ahead, sessions, prices[ahead - 1]) for ahead in range(1, horizon + 1)],
        horizon=horizon,
        data_age_seconds=_age_s(dates, exchange),
    )


def _dates(rows: list[HistoryRow]) -> list[date] | None:
    """Return the dates of a history, None if it has none."""
    dates = [row.date for row in rows if row.date is not None]
    if not dates:
        return None
    if len(dates) != len(rows):
        missing = next(at for at, row in enumerate(rows) if row.date is None)
        raise _refused(f"history.{missing}.date", "is missing: give dates on all sessions or on none")
    for at in range(1, len(dates)):
        if dates[at] <= dates[at - 1]:
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


def _series(rows: list[HistoryRow], dates: list[date] | None, symbol: str | None) -> Series:
    # Without dates any that ascend will do: no feature looks at the calendar.
    sessions = np.array(dates) if dates else np.datetime64("2000-01-01") + np.arange(len(rows))
    columns: dict[str, Any] = {
        name: [np.nan if getattr(row, name, None) is None else getattr(row, name) for row in rows]
        for name in ("open", "high", "low", "close", "volume")
    }
    return Series.from_columns(symbol or _NAMELESS, session=sessions, **columns)


def _horizon_answer(ahead: int, sessions: tuple[date, ...] | None, prices: Floats) -> HorizonAnswer:
    return HorizonAnswer(
        horizon=ahead,
        session=sessions[ahead - 1] if sessions else None,
        median=float(prices[MEDIAN]),
        quantiles=dict(zip(map(str, LEVELS), prices.tolist(), strict=True)),
    )


def _refused(field: str, reason: str) -> ProblemError:
    return ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, reason, field=field)
