"""Training in a process of its own.

A stop is immediate wherever it strikes, its memory is given back, a crash in native code costs one training and not the
service, and the polling thread never waits for Python's global lock.
"""

import os
import signal
import socket
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from closecast.forecasting.panel import Panel
from closecast_trainer.artifacts import CALIBRATION_PLOT, FORECASTS_PLOT, LOSSES_PLOT, RELIABILITY_PLOT
from closecast_trainer.config import Epoch, GateSettings, TrainingConfig

if TYPE_CHECKING:
    from closecast.forecasting.bundle import Bundle

_POLL_S: Final = 0.1
_COMMAND: Final = ("-P", "-c", "from closecast_trainer.worker import main; main()")


@dataclass(frozen=True, slots=True)
class Assignment:
    """What to train.

    Attributes:
        panel: The histories.
        model: Name of the model.
        config: How to train.
        gate: The rule of promotion.
        device: ``auto``, ``cpu`` or ``cuda``.
        champion: Folder of the version that is served now, if there is one.
        panel_champion: Folder of the panel's champion, if this is the model of one symbol and there is one.
        panel_version: Version of the panel's champion.
        version: Folder to write the version to; must not exist yet.
        plots: Folder to draw into; must exist.
    """

    panel: Panel
    model: str
    config: TrainingConfig
    gate: GateSettings
    device: str
    champion: Path | None
    panel_champion: Path | None
    panel_version: str | None
    version: Path
    plots: Path


@dataclass(frozen=True, slots=True)
class Machine:
    """What the training runs on, as parameters of its run."""

    parameters: dict[str, str]


@dataclass(frozen=True, slots=True)
class Stage:
    """The part of the work that begins, or a remark on it."""

    name: str
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Judged:
    """The outcome of a training that was completed.

    Attributes:
        promoted: What the gate decided.
        reason: Why.
        measures: By model and name: of the candidate, the baselines and the champion.
        figures: Further figures of the run: skill, seconds, hardware use.
        retires: Whether the champion ceases to be one.
    """

    promoted: bool
    reason: str
    measures: dict[str, dict[str, float]]
    figures: dict[str, float]
    retires: bool


@dataclass(frozen=True, slots=True)
class Failed:
    """The outcome of a training that was not.

    Attributes:
        reason: In one line.
        details: The traceback.
    """

    reason: str
    details: str


Progress: TypeAlias = Machine | Stage | Epoch


class WorkerCancelledError(Exception):
    """The training was stopped by its caller."""


def run_worker(
    assignment: Assignment, on_progress: Callable[[Progress], None], cancelled: threading.Event
) -> Judged | Failed:
    """Train in a new process, and return the outcome; the process has ended when this returns.

    Args:
        assignment: What to train.
        on_progress: Called, from this thread, with all that the process tells on its way.
        cancelled: Kills the process when set.

    Raises:
        WorkerCancelledError: If `cancelled` was set.
    """
    ours, theirs = socket.socketpair()
    with theirs:
        # A session of its own: Ctrl-C in a terminal is for the service, which then ends the worker.
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and code
            [sys.executable, *_COMMAND, str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
    try:
        with Connection(ours.detach()) as connection:
            connection.send(assignment)
            while not cancelled.is_set():
                if not connection.poll(_POLL_S):
                    continue
                message = connection.recv()
                if isinstance(message, Judged | Failed):
                    return message
                on_progress(message)
            raise WorkerCancelledError
    except (EOFError, OSError) as error:
        return Failed(_cause_of_death(process), repr(error))
    finally:
        process.kill()
        process.wait()


def _cause_of_death(process: subprocess.Popen[bytes]) -> str:
    status = process.wait()
    if status == -signal.SIGKILL:
        return "the training process was killed, as the system does when memory runs out"
    return f"the training process died with status {status}"


def main() -> None:
    """Do the work of the process: read an assignment from the inherited socket, and tell how it goes."""
    connection = Connection(int(sys.argv[1]))
    assignment: Assignment = connection.recv()
    threading.Thread(target=_end_with_parent, args=(connection,), daemon=True).start()
    try:
        outcome: Judged | Failed = _train(assignment, connection.send)
    except Exception as error:  # noqa: BLE001 - whatever it is, the parent tells it to whoever asked
        own_words = type(error).__module__.startswith("closecast")
        reason = str(error) if own_words else f"{type(error).__name__}: {error}"
        outcome = Failed(reason, traceback.format_exc())
    connection.send(outcome)


def _end_with_parent(connection: Connection) -> None:
    """End this process at once when the parent has gone, even by SIGKILL."""
    try:
        connection.recv()
    except (EOFError, OSError):
        os._exit(1)


def _train(assignment: Assignment, tell: Callable[[Progress], None]) -> Judged:
    from closecast_trainer.candidate import make_candidate
    from closecast_trainer.hardware import describe, resolve_device, usage
    from closecast_trainer.report import plot_calibration, plot_forecasts, plot_losses, plot_reliability
    from closecast_trainer.spreading import spreading

    device = resolve_device(assignment.device)
    tell(Machine(describe(device)))
    with spreading(assignment.device, lambda where: tell(Stage("LSTMs", where))) as spread:
        candidate = make_candidate(
            assignment.panel,
            assignment.version,
            assignment.config,
            model=assignment.model,
            champion=_champion(assignment.champion, tell),
            panel_champion=_panel_champion(assignment.panel_champion),
            panel_version=assignment.panel_version,
            gate=assignment.gate,
            device=device.type,
            on_epoch=tell,
            on_stage=lambda name: tell(Stage(name)),
            spread=spread,
        )
    plot_losses(candidate.result.epochs, assignment.plots / LOSSES_PLOT)
    plot_forecasts(candidate.evaluation, assignment.plots / FORECASTS_PLOT)
    plot_reliability(candidate.card, assignment.plots / RELIABILITY_PLOT)
    plot_calibration(candidate.card, assignment.plots / CALIBRATION_PLOT)
    return Judged(
        promoted=candidate.decision.promoted,
        reason=candidate.decision.reason,
        measures=candidate.evaluation.metrics,
        figures={
            "skill": candidate.evaluation.skill,
            "training_seconds": candidate.result.seconds,
            "best_epoch": float(candidate.result.best_epoch),
            **usage(device),
        },
        retires=candidate.decision.retires,
    )


def _champion(folder: Path | None, tell: Callable[[Progress], None]) -> "Bundle | None":
    if folder is None:
        return None
    from closecast.forecasting.bundle import Bundle
    from closecast.forecasting.spec import InvalidBundleError

    try:
        return Bundle.load(folder)
    except InvalidBundleError as error:
        tell(Stage("champion", f"cannot be read, so the candidate is not compared with it: {error}"))
        return None


def _panel_champion(folder: Path | None) -> "Bundle | None":
    """Return what a symbol's own model has to beat; one that did not would be judged by nothing."""
    if folder is None:
        return None
    from closecast.forecasting.bundle import Bundle
    from closecast.forecasting.spec import InvalidBundleError

    try:
        return Bundle.load(folder)
    except InvalidBundleError as error:
        reason = f"the panel's champion, which a symbol's own model has to beat, cannot be read: {error}"
        raise InvalidBundleError(reason) from error
