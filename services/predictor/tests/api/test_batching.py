import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from services.predictor.tests.support import quotes_of, write_version

from closecast.forecasting.panel import Panel
from closecast.forecasting.series import Floats, Series
from closecast_predictor.api.batching import Batches, Spoken
from closecast_predictor.snapshot import Model

HISTORIES = [Series.from_quotes(quotes_of(symbol, count)) for symbol in ("PETR4.SA", "AAPL") for count in range(30, 81)]


class Counting:
    """Counts how many histories came at a time."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self.sizes: list[int] = []

    def forecast(self, panel: Panel) -> Floats:
        self.sizes.append(len(panel))
        return self._model.forecaster.forecast(panel)


class Broken:
    """Cannot forecast."""

    def forecast(self, panel: Panel) -> Floats:
        raise RuntimeError(f"{len(panel)} histories are too many")


@pytest.fixture
def model(tmp_path: Path) -> Model:
    return Model.read("closecast-panel", "3", None, write_version(tmp_path / "version"))


def at_once(*questions: Coroutine[Any, Any, Spoken]) -> list[Any]:
    """Return the answers of questions that are asked together, or the exceptions."""

    async def ask() -> list[Any]:
        return list(await asyncio.gather(*questions, return_exceptions=True))

    return asyncio.run(ask())


def test_what_comes_at_once_is_forecast_together_and_as_if_alone(model: Model) -> None:
    counting = Counting(model)
    batches, together = Batches(), replace(model, forecaster=counting)

    forecasts = at_once(*(batches.forecast(together, one) for one in HISTORIES))

    assert sum(counting.sizes) == len(HISTORIES)
    assert len(counting.sizes) < len(HISTORIES) / 5
    for one, (speaker, quantiles) in zip(HISTORIES, forecasts, strict=True):
        assert speaker is together
        np.testing.assert_allclose(quantiles, model.forecaster.forecast(Panel.of([one]))[0], rtol=1e-9)


def test_each_model_forecasts_its_own(model: Model) -> None:
    batches, base = Batches(), Model.base("closecast-panel")

    (_, first), (_, second) = at_once(*(batches.forecast(one, HISTORIES[0]) for one in (model, base)))

    np.testing.assert_array_equal(second, base.forecaster.forecast(Panel.of(HISTORIES[:1]))[0])
    assert not np.array_equal(first, second)


def test_those_who_come_later_are_answered_too(model: Model) -> None:
    async def one_after_the_other() -> list[Spoken]:
        batches = Batches()
        return [await batches.forecast(model, one) for one in HISTORIES[:2]]

    assert len(asyncio.run(one_after_the_other())) == 2


def test_a_fault_is_told_to_everybody(model: Model) -> None:
    batches, broken = Batches(), replace(model, forecaster=Broken())

    answers = at_once(*(batches.forecast(broken, one) for one in HISTORIES[:3]))

    assert [str(one) for one in answers] == ["3 histories are too many"] * 3


def test_a_client_that_has_gone_keeps_nobody_from_an_answer(model: Model) -> None:
    async def leave() -> Floats:
        batches = Batches()
        tasks = [asyncio.ensure_future(batches.forecast(model, one)) for one in HISTORIES[:2]]
        await asyncio.sleep(0)
        tasks[0].cancel()
        _, quantiles = await tasks[1]
        return quantiles

    assert asyncio.run(leave()).shape == (10, 7)
