"""Real parts in small, for the predictor's tests: quotes, a model version, a serving state."""

import math
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from closecast.calendars import calendar_of_symbol, exchange_of
from closecast.events import Forecast, Quote
from closecast.forecasting.base import BaseParameters
from closecast.forecasting.card import CARD_FILE, ModelCard
from closecast.forecasting.features import FEATURES
from closecast.forecasting.spec import ONNX_FILE, SPEC_FILE, Hyperparameters, ModelSpec, Slices, Span
from closecast.horizons import HORIZONS, LEVELS
from closecast_predictor.api.serving import Serving
from closecast_predictor.book import Book
from closecast_predictor.snapshot import Lineup, Model, Snapshot

START = date(2024, 1, 2)
SKILL = 0.05


def quote(symbol: str, session: date, close: float, **fields: object) -> Quote:
    """Return a settled quote whose prices all lie at its close."""
    exchange = exchange_of(symbol)
    prices = dict.fromkeys(("open", "high", "low", "close", "adjusted_close"), close)
    own = {
        "symbol": symbol,
        "session": session,
        "exchange": exchange.mic,
        "volume": 1000,
        "currency": exchange.currency,
        "source": "test",
        "as_of": calendar_of_symbol(symbol).closes_at(session) + timedelta(minutes=30),
    }
    return Quote.model_validate(prices | own | fields)


def sessions_of(symbol: str, count: int, start: date = START) -> tuple[date, ...]:
    """Return the first sessions of a symbol's exchange from a day on."""
    return calendar_of_symbol(symbol).next_sessions(start - timedelta(days=1), count)


def quotes_of(symbol: str, count: int = 80, start: date = START, first: float = 30.0) -> list[Quote]:
    """Return quotes that wander around a first close."""
    days = sessions_of(symbol, count, start)
    return [quote(symbol, day, round(first * (1 + 0.02 * math.sin(at)), 2)) for at, day in enumerate(days)]


def latest_sessions(symbol: str, count: int) -> tuple[date, ...]:
    """Return the last sessions of a symbol's exchange whose quotes can be known by now, a day left to spare."""
    calendar = calendar_of_symbol(symbol)
    last = calendar.last_settled(datetime.now(UTC), timedelta(days=1))
    return calendar.sessions(last - timedelta(days=2 * count + 10), last)[-count:]


def forecast_from(quotes: Sequence[Quote], made_after: timedelta = timedelta(hours=1)) -> Forecast:
    """Return the base's forecast of one symbol's quotes, made some time after the close of the latest."""
    book = Book(400)
    for one in quotes:
        book.recall(one)
    (forecast,) = book.forecast(Lineup(Model.base("closecast-panel")), book.symbols)
    made_at = calendar_of_symbol(forecast.symbol).closes_at(forecast.origin) + made_after
    return forecast.model_copy(update={"made_at": made_at})


def book_of(*symbols: str, count: int = 80) -> Book:
    """Return a book that knows quotes of these symbols."""
    book = Book(400)
    for symbol in symbols:
        for one in quotes_of(symbol, count):
            book.recall(one)
    return book


def serving_of(
    *symbols: str, models: Lineup[Model] | None = None, max_body: int = 2**20, max_history: int = 500
) -> Serving:
    """Return a serving state with forecasts of these symbols."""
    speaking = models or Lineup(Model.base("closecast-panel"))
    book = book_of(*symbols)
    book.forecast(speaking, book.symbols)
    serving = Serving(max_body, max_history)
    serving.swap(Snapshot("test-1", speaking.panel.name, speaking.panel.version, book.answers), speaking)
    return serving


def write_version(
    folder: Path,
    *,
    log_stretch: float = 0.1,
    universe: tuple[str, ...] = ("PETR4.SA", "VALE3.SA"),
    mqloss: dict[str, float] | None = None,
    card: ModelCard | None = None,
) -> Path:
    """Write a model version whose network widens every interval by `log_stretch`, a logarithm; return its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(_network(np.full(HORIZONS, log_stretch, dtype=np.float32)), folder / ONNX_FILE)
    measures = {model: {"mqloss": loss} for model, loss in (mqloss or {}).items()}
    spec = _SPEC.model_copy(update={"universe": universe, "metrics": measures, "panel_version": "7"})
    (folder / SPEC_FILE).write_text(spec.model_dump_json(), encoding="utf-8")
    if card is not None:
        (folder / CARD_FILE).write_text(card.model_dump_json(), encoding="utf-8")
    return folder


def _network(correction: np.ndarray) -> onnx.ModelProto:
    """Return a network that answers the same correction for every symbol, whatever the features are."""
    nodes = [
        helper.make_node("Shape", ["last"], ["symbols"]),
        helper.make_node("Concat", ["symbols", "tail"], ["shape"], axis=0),
        helper.make_node("Expand", ["constant", "shape"], ["correction"]),
        helper.make_node("Identity", ["features"], ["unused"]),
    ]
    graph = helper.make_graph(
        nodes,
        "constant",
        [
            helper.make_tensor_value_info("features", TensorProto.FLOAT, ["symbols", "steps", len(FEATURES)]),
            helper.make_tensor_value_info("last", TensorProto.INT64, ["symbols"]),
        ],
        [helper.make_tensor_value_info("correction", TensorProto.FLOAT, ["symbols", HORIZONS])],
        [
            numpy_helper.from_array(correction[None], "constant"),
            numpy_helper.from_array(np.array([HORIZONS], dtype=np.int64), "tail"),
        ],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)


def _spec() -> ModelSpec:
    span = Span(start=START, end=START)
    return ModelSpec(
        model="closecast-panel",
        created_at="2024-06-01T00:00:00Z",
        universe=("PETR4.SA",),
        calendars=("BVMF",),
        slices=Slices(training=span, validation=span, calibration=span, test=span),
        data_fingerprint="test",
        feature_mean=(0.0,) * len(FEATURES),
        feature_scale=(1.0,) * len(FEATURES),
        sequence_length=64,
        minimum_history=2,
        base=BaseParameters(),
        calibration=((1.0,) * len(LEVELS),) * HORIZONS,
        hyperparameters=Hyperparameters(
            epochs=1,
            best_epoch=1,
            hidden_size=4,
            ridge=1.0,
            members=1,
            layers=1,
            dropout=0,
            learning_rate=0.001,
            weight_decay=0,
            batch_size=1,
            patience=1,
            seed=0,
        ),
        skill=SKILL,
    )


_SPEC = _spec()
