"""The port of /metrics: of all processes of a node one has it, and tells the numbers of all."""

import asyncio
from collections.abc import Callable
from typing import Final

from closecast.ports import PortInUseError
from closecast.telemetry.logs import get_logger
from closecast.telemetry.metrics import serve_metrics
from closecast_predictor import metrics
from closecast_predictor.settings import PredictorSettings

_RETRY_S: Final = 5.0
_log = get_logger(__name__)


class NodeMetrics:
    """Serves /metrics from the moment that no other process of this node does; made inside a running event loop.

    Nodes of a cluster that have no forecaster are scraped all the same, and so is one whose forecaster has died.

    Args:
        settings: Of the predictor.
        retry_s: Wait between two looks at whether the port is free.
    """

    def __init__(self, settings: PredictorSettings, retry_s: float = _RETRY_S) -> None:
        self._settings = settings
        self._retry_s = retry_s
        self._stop: Callable[[], None] = lambda: None
        self._serving = asyncio.get_running_loop().create_task(self._serve())

    def close(self) -> None:
        """Let go of the port."""
        self._serving.cancel()
        self._stop()

    async def _serve(self) -> None:
        settings = self._settings
        while True:
            try:
                self._stop = serve_metrics(settings.metrics, settings.default_metrics_port, metrics.node_registry())
            except PortInUseError:
                await asyncio.sleep(self._retry_s)
            else:
                _log.debug("this process serves the metrics of its node")
                return
