from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from closecast.forecasting.base import BaseForecaster
from closecast.forecasting.bundle import Bundle
from closecast.forecasting.panel import Panel
from closecast.forecasting.series import Series
from closecast.forecasting.spec import ONNX_FILE, SPEC_FILE, InvalidBundleError, ModelSpec
from closecast.horizons import HORIZONS, LEVELS

MakeBundle = Callable[[ModelSpec, float], Path]


def test_a_network_that_says_nothing_is_the_base(panel: Panel, spec: ModelSpec, make_bundle: MakeBundle) -> None:
    bundle = Bundle.load(make_bundle(spec, 0.0))

    expected = BaseForecaster(spec.base).forecast(panel.tail(spec.context))
    np.testing.assert_allclose(bundle.forecast(panel), expected)


def test_a_correction_bends_known_symbols_and_leaves_new_ones_to_the_base(
    panel: Panel, spec: ModelSpec, make_bundle: MakeBundle
) -> None:
    bundle = Bundle.load(make_bundle(spec, 0.1))
    base = BaseForecaster(spec.base).forecast(panel.tail(spec.context))

    prices = bundle.forecast(panel)

    assert prices.shape == (3, HORIZONS, len(LEVELS))
    assert not np.allclose(prices[:2], base[:2])
    np.testing.assert_allclose(prices[2], base[2], err_msg="CCC has 90 sessions, the model needs 100")


def test_neither_an_old_past_nor_other_symbols_change_a_forecast(
    panel: Panel, spec: ModelSpec, make_bundle: MakeBundle
) -> None:
    bundle = Bundle.load(make_bundle(spec, 0.1))

    together = bundle.forecast(panel)

    np.testing.assert_array_equal(bundle.forecast(panel.tail(bundle.context)), together)
    np.testing.assert_allclose(bundle.forecast(panel.select(["BBB"]))[0], together[1], rtol=1e-6)


def test_many_symbols_at_once_are_forecast_as_few_with_any_number_of_threads(
    panel: Panel, spec: ModelSpec, make_bundle: MakeBundle
) -> None:
    folder = make_bundle(spec, 0.1)
    rows = np.arange(300) % 2
    many = panel.windows(rows, panel.width - 1 - np.arange(300), spec.context)

    one, two = (Bundle.load(folder, threads=threads).forecast(many) for threads in (1, 2))

    np.testing.assert_array_equal(one, two)
    np.testing.assert_allclose(one[290:], Bundle.load(folder).forecast(many.rows(290, 300)), rtol=1e-6)


def test_shuffling_the_future_changes_no_forecast_before_it(
    panel: Panel, spec: ModelSpec, make_bundle: MakeBundle
) -> None:
    bundle = Bundle.load(make_bundle(spec, 0.1))
    rows, ends = np.array([0, 1]), np.array([600, 600])
    before = bundle.forecast(panel.windows(rows, ends, bundle.context))

    past = panel.between(end=panel.sessions[1, 600].astype(object))

    at_once = bundle.forecast(past.select(["BBB"]))
    np.testing.assert_allclose(at_once[0], before[1], rtol=1e-6)


@pytest.mark.parametrize("prices", [[10.0, 10.1, 9.9], [10.0] * 300, [1.0] * 200 + [1000.0] * 50])
def test_broken_histories_get_quantiles_that_ascend_and_are_positive(
    prices: list[float], spec: ModelSpec, make_bundle: MakeBundle
) -> None:
    sessions = (np.datetime64("2020-01-01") + np.arange(len(prices))).astype(object).tolist()
    panel = Panel.of([Series.from_closes("A", sessions, prices)])

    quantiles = Bundle.load(make_bundle(spec, 0.1)).forecast(panel)

    assert np.isfinite(quantiles).all()
    assert (quantiles > 0).all()
    assert (np.diff(quantiles, axis=2) > 0).all()


@pytest.mark.parametrize("other", [{"features": "sequences"}, {"sequence_length": 32}])
def test_a_network_that_takes_other_inputs_is_refused(
    other: dict[str, Any], spec: ModelSpec, make_bundle: MakeBundle
) -> None:
    folder = make_bundle(spec, 0.0)
    if "features" in other:
        network = onnx.load(folder / ONNX_FILE)
        network.graph.input[0].name = network.graph.node[1].input[0] = other["features"]
        onnx.save(network, folder / ONNX_FILE)
    else:
        (folder / SPEC_FILE).write_text(spec.model_copy(update=other).model_dump_json())

    with pytest.raises(InvalidBundleError, match=ONNX_FILE):
        Bundle.load(folder)


def test_a_network_that_gives_no_numbers_is_refused(spec: ModelSpec, make_bundle: MakeBundle) -> None:
    with pytest.raises(InvalidBundleError, match="no prices"):
        Bundle.load(make_bundle(spec, float("nan")))


def test_a_missing_or_damaged_network_is_refused(spec: ModelSpec, make_bundle: MakeBundle) -> None:
    folder = make_bundle(spec, 0.0)
    (folder / ONNX_FILE).write_bytes(b"no network")
    with pytest.raises(InvalidBundleError, match=ONNX_FILE):
        Bundle.load(folder)
    (folder / ONNX_FILE).unlink()
    with pytest.raises(InvalidBundleError, match=ONNX_FILE):
        Bundle.load(folder)
