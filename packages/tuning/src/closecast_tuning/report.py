"""What a search ends with: the table of trials, and the best of them as settings of the trainer."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rich.console import Console

from closecast_backtest.report import make_table
from closecast_trainer.config import TrainingConfig
from closecast_trainer.settings import TrainingSettings
from closecast_tuning.space import SPACE
from closecast_tuning.trials import Finished

_REMARK: Final = (
    "loss: pinball loss of log returns over that of the base at the same origins, mean over folds; below 1 is better"
)


def print_trials(console: Console, trials: Sequence[Finished], best: Finished | None, folds: int) -> None:
    """Print a line a trial, with its loss on each fold, the oldest first."""
    table = make_table("trial", "state", "loss", *(f"fold {number}" for number in range(1, folds + 1)), "seconds")
    for trial in trials:
        table.add_row(
            str(trial.number),
            "best" if trial == best else trial.state,
            f"{trial.loss:.4f}" if trial.state == "complete" else "",
            *(f"{loss:.4f}" for loss in trial.losses),
            *("" for _ in range(folds - len(trial.losses))),
            f"{trial.seconds:.1f}",
        )
    console.print()
    console.print(table)
    console.print(_REMARK, style="dim", soft_wrap=True)


def told(trial: Finished, folds: int) -> str:
    """Return a line that tells how a trial ended."""
    seen = len(trial.losses)
    if trial.state == "failed":
        return f"trial {trial.number}: failed on fold {seen + 1} of {folds}: {trial.error}"
    where = "complete" if trial.state == "complete" else f"pruned after fold {seen} of {folds}"
    return f"trial {trial.number}: {where}, {trial.loss:.4f} of the base's loss, {trial.seconds:.1f} s"


def snippet(config: TrainingConfig) -> str:
    """Return what a search has found as settings of the trainer, a line each, as `docker run --env-file` reads them."""
    prefix = str(TrainingSettings.model_config["env_prefix"])
    return "".join(f"{prefix}{name.upper()}={getattr(config, name)}\n" for name in (*SPACE, "epochs"))


def write_snippet(config: TrainingConfig, file: Path) -> None:
    """Write them to a file; a reader sees the old or the new one, never half of it.

    Raises:
        OSError: If it cannot be written.
    """
    with tempfile.NamedTemporaryFile("w", dir=file.parent, prefix=f".{file.name}-", delete=False) as unfinished:
        unfinished.write(snippet(config))
    path = Path(unfinished.name)
    path.chmod(0o644)
    path.replace(file)
