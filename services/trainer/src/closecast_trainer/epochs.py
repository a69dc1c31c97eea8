"""The epochs of a training as it goes: in the log, in Prometheus and in MLflow."""

import math
import time
from typing import Final

from mlflow.entities import Metric

from closecast.telemetry.logs import get_logger
from closecast_trainer.candidate import Candidate
from closecast_trainer.config import Epoch
from closecast_trainer.metrics import TrainerMetrics
from closecast_trainer.registry import Registry

_METRICS_A_CALL: Final = 500
_log = get_logger(__name__)


class EpochLog:
    """Called after each epoch; keeps what MLflow does not take at once, for training waits for nobody.

    Args:
        registry: Where the losses go.
        run_id: The run that they belong to.
        metrics: Shows the latest epoch.
    """

    def __init__(self, registry: Registry, run_id: str, metrics: TrainerMetrics) -> None:
        self._registry = registry
        self._run_id = run_id
        self._metrics = metrics
        self._kept: list[Metric] = []
        self._reachable = True

    def __call__(self, epoch: Epoch) -> None:
        """Log one epoch."""
        losses = {
            split: loss
            for split, loss in (("training", epoch.training_loss), ("validation", epoch.validation_loss))
            if math.isfinite(loss)
        }
        _log.info("epoch", epoch=epoch.epoch, best=epoch.is_best, seconds=round(epoch.seconds, 2), **losses)
        self._metrics.epoch.set(epoch.epoch)
        now = int(time.time() * 1000)
        for split, loss in losses.items():
            self._metrics.loss.labels(split).set(loss)
            self._kept.append(Metric(f"loss/{split}", loss, now, epoch.epoch))
        self._kept.append(Metric("epoch_seconds", epoch.seconds, now, epoch.epoch))
        if self._reachable:
            self._reachable = self._registry.try_log_metrics(self._run_id, self._kept)
            if self._reachable:
                self._kept.clear()

    def flush(self) -> None:
        """Log what is kept, waiting for MLflow if need be."""
        for first in range(0, len(self._kept), _METRICS_A_CALL):
            self._registry.log_metrics(self._run_id, self._kept[first : first + _METRICS_A_CALL])
        self._kept.clear()


def metrics_of(candidate: Candidate) -> list[Metric]:
    """Return the measures of a candidate and of all that it was held against, as metrics of its run."""
    values = {
        f"{model}/{name}": value
        for model, measures in candidate.evaluation.metrics.items()
        for name, value in measures.items()
    }
    values |= {
        "skill": candidate.evaluation.skill,
        "training_seconds": candidate.result.seconds,
        "best_epoch": float(candidate.result.best_epoch),
    }
    now = int(time.time() * 1000)
    return [Metric(key, value, now, 0) for key, value in values.items() if math.isfinite(value)]
