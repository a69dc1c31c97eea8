"""What a training tells of itself as it goes: in the log, in Prometheus and in its MLflow run."""

import math
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Final, Self

from mlflow.entities import Metric
from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

from closecast.telemetry.logs import get_logger
from closecast_trainer.config import Epoch
from closecast_trainer.metrics import TrainerMetrics
from closecast_trainer.registry import Registry
from closecast_trainer.worker import Judged, Machine, Progress, Stage

_SAMPLE_S: Final = 2.0
_METRICS_A_CALL: Final = 500
_log = get_logger(__name__)


class RunLog:
    """Records a training in its run; inside its block, MLflow's system metrics are sampled too.

    Losses that MLflow does not take at once are kept until the end, for training waits for nobody.

    Args:
        registry: Where it goes.
        run_id: The run.
        metrics: Shows the latest epoch.
    """

    def __init__(self, registry: Registry, run_id: str, metrics: TrainerMetrics) -> None:
        self._registry = registry
        self._run_id = run_id
        self._metrics = metrics
        self._kept: list[Metric] = []
        self._reachable = True
        self._samples: Any = SystemMetricsMonitor(  # type: ignore[no-untyped-call]
            run_id, sampling_interval=_SAMPLE_S, tracking_uri=registry.tracking_uri
        )

    def __enter__(self) -> Self:
        self._samples.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._samples.finish()

    def progress(self, progress: Progress) -> None:
        """Record what a training tells on its way."""
        match progress:
            case Machine():
                self._registry.log_parameters(self._run_id, progress.parameters)
            case Stage():
                _log.info("training", stage=progress.name, remark=progress.remark)
            case Epoch():
                self._epoch(progress)

    def judged(self, judged: Judged) -> None:
        """Record the measures of a completed training, and whatever was kept."""
        figures = judged.figures | {
            f"{model}/{name}": value for model, measures in judged.measures.items() for name, value in measures.items()
        }
        self._keep(figures, step=0)
        for first in range(0, len(self._kept), _METRICS_A_CALL):
            self._registry.log_metrics(self._run_id, self._kept[first : first + _METRICS_A_CALL])
        self._kept.clear()

    def _epoch(self, epoch: Epoch) -> None:
        losses = {"training": epoch.training_loss, "validation": epoch.validation_loss}
        finite = {split: loss for split, loss in losses.items() if math.isfinite(loss)}
        _log.info("epoch", epoch=epoch.epoch, best=epoch.is_best, seconds=round(epoch.seconds, 2), **finite)
        self._metrics.epoch.set(epoch.epoch)
        for split, loss in finite.items():
            self._metrics.loss.labels(split).set(loss)
        self._keep(
            {f"loss/{split}": loss for split, loss in finite.items()} | {"epoch_seconds": epoch.seconds},
            step=epoch.epoch,
        )
        if self._reachable:
            self._reachable = self._registry.try_log_metrics(self._run_id, self._kept)
            if self._reachable:
                self._kept.clear()

    def _keep(self, values: Mapping[str, float], *, step: int) -> None:
        now = int(time.time() * 1000)
        self._kept += [Metric(key, value, now, step) for key, value in values.items() if math.isfinite(value)]
