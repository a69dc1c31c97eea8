from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from closecast.forecasting.base import BaseParameters
from closecast.forecasting.features import FEATURES
from closecast.forecasting.panel import Panel
from closecast.forecasting.series import Series
from closecast.forecasting.spec import ONNX_FILE, SPEC_FILE, Hyperparameters, ModelSpec, Slices, Span
from closecast.horizons import HORIZONS, LEVELS

MakeSeries = Callable[..., Series]


@pytest.fixture
def make_series() -> MakeSeries:
    """Makes a random walk whose sessions have a range and a volume."""

    def make(symbol: str = "AAA", sessions: int = 500, *, seed: int = 0, volatility: float = 0.02) -> Series:
        random = np.random.default_rng(seed)
        close = 50 * np.exp(np.cumsum(volatility * random.standard_normal(sessions)))
        opening = close * np.exp(0.5 * volatility * random.standard_normal(sessions))
        reach = np.exp(np.abs(0.4 * volatility * random.standard_normal((2, sessions))))
        return Series.from_columns(
            symbol,
            session=np.datetime64("2015-01-01") + np.arange(sessions),
            open=opening,
            high=np.maximum(opening, close) * reach[0],
            low=np.minimum(opening, close) / reach[1],
            close=close,
            volume=random.integers(1_000, 100_000, sessions),
        )

    return make


@pytest.fixture
def panel(make_series: MakeSeries) -> Panel:
    return Panel.of(
        [
            make_series("AAA", 500, seed=1),
            make_series("BBB", 700, seed=2, volatility=0.01),
            make_series("CCC", 90, seed=3, volatility=0.03),
        ]
    )


@pytest.fixture
def spec() -> ModelSpec:
    day = date(2020, 1, 1)
    span = Span(start=day, end=day)
    return ModelSpec(
        model="closecast-panel",
        created_at=datetime(2025, 1, 1, tzinfo=UTC),
        universe=("AAA", "BBB"),
        calendars=("XNYS",),
        slices=Slices(training=span, validation=span, calibration=span, test=span),
        data_fingerprint="0" * 64,
        feature_mean=(0.0,) * len(FEATURES),
        feature_scale=(1.0,) * len(FEATURES),
        sequence_length=64,
        minimum_history=100,
        base=BaseParameters(),
        calibration=((1.0,) * len(LEVELS),) * HORIZONS,
        hyperparameters=Hyperparameters(
            epochs=1,
            best_epoch=0,
            hidden_size=1,
            layers=1,
            dropout=0,
            learning_rate=0.1,
            weight_decay=0,
            batch_size=1,
            patience=1,
            seed=0,
            ridge=1.0,
            members=1,
        ),
    )


@pytest.fixture
def make_bundle(tmp_path: Path) -> Callable[[ModelSpec, float], Path]:
    """Writes a model version whose correction is the latest session's features, times a weight, bounded."""

    def make(spec: ModelSpec, weight: float) -> Path:
        weights = np.full((len(FEATURES), HORIZONS), weight, dtype=np.float32)
        graph = helper.make_graph(
            [
                helper.make_node("Unsqueeze", ["last", "one"], ["at"]),
                helper.make_node("GatherND", ["features", "at"], ["latest"], batch_dims=1),
                helper.make_node("MatMul", ["latest", "weights"], ["raw"]),
                helper.make_node("Tanh", ["raw"], ["correction"]),
            ],
            "network",
            [
                helper.make_tensor_value_info(
                    "features", TensorProto.FLOAT, ["batch", spec.sequence_length, len(FEATURES)]
                ),
                helper.make_tensor_value_info("last", TensorProto.INT64, ["batch"]),
            ],
            [helper.make_tensor_value_info("correction", TensorProto.FLOAT, ["batch", HORIZONS])],
            [
                numpy_helper.from_array(weights, "weights"),
                numpy_helper.from_array(np.array([1]), "one"),
            ],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
        onnx.save(model, tmp_path / ONNX_FILE)
        (tmp_path / SPEC_FILE).write_text(spec.model_dump_json())
        return tmp_path

    return make
