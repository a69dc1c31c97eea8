"""Histories that are asked for at the same moment, forecast together."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from typing import Final, TypeAlias

from closecast.forecasting.panel import Panel
from closecast.forecasting.series import Floats, Series
from closecast_predictor import metrics
from closecast_predictor.snapshot import Model

Spoken: TypeAlias = tuple[Model, Floats]

_MOST: Final = 16
"""Histories at a time: of more each costs hardly less, and the event loop would stand still for longer."""

_DURATION: Final = metrics.INFERENCE_DURATION.labels("history")


class Batches:
    """Collects what arrives in one turn of the event loop, so that nobody waits for others to come.

    Network and arithmetic take a quarter of the time for each of sixteen histories that they take for one.
    """

    def __init__(self) -> None:
        self._waiting: dict[Model, list[tuple[Series, asyncio.Future[Spoken]]]] = defaultdict(list)

    async def forecast(self, model: Model, series: Series) -> Spoken:
        """Return who speaks, and price quantiles, ``[horizons, levels]``; see `Model.forecast`."""
        loop = asyncio.get_running_loop()
        if not self._waiting:
            loop.call_soon(self._flush)
        future: asyncio.Future[Spoken] = loop.create_future()
        self._waiting[model].append((series, future))
        return await future

    def _flush(self) -> None:
        """Forecast one batch; the event loop turns before the next."""
        model, asked = next(iter(self._waiting.items()))
        if len(asked) > _MOST:
            self._waiting[model] = asked[_MOST:]
        else:
            del self._waiting[model]
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._flush)
        _forecast(model, asked[:_MOST])


def _forecast(model: Model, asked: Sequence[tuple[Series, "asyncio.Future[Spoken]"]]) -> None:
    try:
        with _DURATION.time():
            spoken = model.forecast(Panel.of([series for series, _ in asked]))
    except Exception as error:  # noqa: BLE001 - told to each of those who asked
        for _, future in asked:
            if not future.done():
                future.set_exception(error)
        return
    for (_, future), one in zip(asked, spoken, strict=True):
        if not future.done():  # else its client has gone
            future.set_result(one)
