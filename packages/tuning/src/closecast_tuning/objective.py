"""What a trial is judged by; it runs in this process or in one of a Ray cluster, and knows nothing of the study."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from closecast.forecasting.panel import Panel
from closecast_trainer.candidate import make_candidate
from closecast_trainer.config import Epoch, TrainingConfig
from closecast_trainer.evaluation import BASE, CANDIDATE


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a training on one fold came to.

    Attributes:
        loss: Pinball loss of log returns over that of the base at the same origins; NaN if it failed.
        seconds: Wall time of training, export and judging.
        error: Why it failed; empty if it did not.
    """

    loss: float
    seconds: float
    error: str = ""


def judge(
    panel: Panel, config: TrainingConfig, device: str = "auto", on_epoch: Callable[[Epoch], None] = lambda _: None
) -> Judgement:
    """Train on a fold as the trainer does, and judge what it would have shipped on the fold's own block.

    The base's loss divides out how wild the block was, so that folds weigh alike.

    Args:
        panel: All that the fold may see.
        config: How to train.
        device: ``auto``, ``cpu`` or ``cuda``.
        on_epoch: Called after each epoch.
    """
    began = time.perf_counter()
    try:
        with TemporaryDirectory(prefix="closecast-tune-") as folder:
            candidate = make_candidate(
                panel, Path(folder) / "version", config, model="trial", device=device, on_epoch=on_epoch
            )
    except (RuntimeError, ValueError) as error:  # torch's (memory among them), and histories that do not suffice
        return Judgement(math.nan, time.perf_counter() - began, f"{type(error).__name__}: {error}")
    measures = candidate.evaluation.metrics
    loss = measures[CANDIDATE]["mqloss"] / measures[BASE]["mqloss"]
    fault = "" if math.isfinite(loss) else "the loss is not finite"
    return Judgement(loss, time.perf_counter() - began, fault)
