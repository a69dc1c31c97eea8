"""The study: Optuna's record of all trials in one SQLite file, held by one process at a time."""

import fcntl
import json
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import numpy as np
import optuna
from optuna.distributions import distribution_to_json
from optuna.pruners import MedianPruner
from optuna.samplers import TPESampler
from optuna.storages import RDBStorage
from optuna.trial import Trial, TrialState

from closecast_trainer.config import TrainingConfig
from closecast_tuning.folds import Fold
from closecast_tuning.space import SPACE, configured, starting_point
from closecast_tuning.trials import ERROR, LOSSES, SECONDS, Finished, is_finished, was_interrupted

ID: Final = "id"
"""User attribute of a study: what tells it from others of the same name elsewhere."""
FILE: Final = "studies.db"
_IDENTITY: Final = "identity"


class StudyError(Exception):
    """The study cannot go on; the message names the option."""


class Study:
    """The trials of a study, as its one process sees them.

    Args:
        study: Optuna's.
        config: How to train with the searched values at their defaults.
    """

    def __init__(self, study: optuna.Study, config: TrainingConfig) -> None:
        self._study = study
        self._config = config
        self._seed = config.seed

    @property
    def name(self) -> str:
        """Its name."""
        return self._study.study_name

    @property
    def id(self) -> str:
        """What tells it from others of the same name."""
        return str(self._study.user_attrs[ID])

    def finished(self) -> tuple[Finished, ...]:
        """Return the trials that are done, in order of their number; interrupted ones are not."""
        return tuple(Finished.of(trial, self._config) for trial in self._study.get_trials() if is_finished(trial))

    def best(self) -> Finished | None:
        """Return the completed trial of least loss, or None while there is none."""
        completed = [trial for trial in self.finished() if trial.state == "complete"]
        return min(completed, key=lambda trial: trial.loss, default=None)

    def ask(self) -> tuple[Trial, TrainingConfig]:
        """Begin a trial, and return it with its configuration; the first one has the defaults.

        The sampler is seeded for each trial by how many there were before it, so that a study that was interrupted goes
        on as if it had not been: Optuna keeps trials, but no sampler's state.
        """
        before = sum(not was_interrupted(trial) for trial in self._study.get_trials(deepcopy=False))
        if not before:
            self._study.enqueue_trial(starting_point(self._config))
        (seed,) = np.random.SeedSequence([self._seed, before]).generate_state(1)
        self._study.sampler = TPESampler(seed=int(seed))
        trial = self._study.ask(dict(SPACE))
        return trial, configured(self._config, trial.params)

    def tell(
        self, trial: Trial, state: TrialState, *, losses: Sequence[float], seconds: float, error: str = ""
    ) -> Finished:
        """Record how a trial ended, and return it."""
        trial.set_user_attr(LOSSES, list(losses))
        trial.set_user_attr(SECONDS, seconds)
        if error:
            trial.set_user_attr(ERROR, error)
        loss = sum(losses) / len(losses) if state == TrialState.COMPLETE else None
        return Finished.of(self._study.tell(trial, loss, state), self._config)

    def take_up_interrupted(self) -> None:
        """Put the trials that ran when an earlier process ended in line again, with the same values."""
        for trial in self._study.get_trials(states=(TrialState.RUNNING,)):
            self._study.tell(trial.number, state=TrialState.FAIL)
            if ERROR not in trial.user_attrs and trial.params.keys() == SPACE.keys():
                self._study.enqueue_trial(trial.params)


@contextmanager
def open_study(folder: Path, name: str, folds: tuple[Fold, ...], config: TrainingConfig) -> Iterator[Study]:
    """Begin a study, or go on with it, for the length of a block.

    Args:
        folder: Holds the file of all studies.
        name: Of the study.
        folds: What trials are judged on.
        config: How to train with the searched values at their defaults.

    Raises:
        StudyError: If another process holds the study, or it was begun with other folds, quotes or settings.
        OSError: If the folder cannot be written to.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with _held(folder / f"{name}.lock", name), warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        storage = RDBStorage(f"sqlite:///{folder / FILE}")
        try:
            # Trials are pruned once five have shown what a fold can come to.
            study = optuna.create_study(
                storage=storage, study_name=name, load_if_exists=True, pruner=MedianPruner(n_startup_trials=5)
            )
            _require_same(study, _identity(folds, config))
            opened = Study(study, config)
            opened.take_up_interrupted()
            yield opened
        finally:
            storage.engine.dispose()


@contextmanager
def _held(file: Path, name: str) -> Iterator[None]:
    """Hold a lock that ends with this process, however it ends."""
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise StudyError(f"study: another process is at work on {name}") from error
    else:
        yield
    finally:
        os.close(descriptor)


def _identity(folds: tuple[Fold, ...], config: TrainingConfig) -> dict[str, Any]:
    """Return what has to be the same for losses to be comparable, by the option that says it."""
    space = {name: json.loads(distribution_to_json(distribution)) for name, distribution in SPACE.items()}
    return {
        "data": folds[-1].panel.fingerprint(),
        "folds": len(folds),
        "epochs": config.epochs,
        "seed": config.seed,
        "search space": space,
        "training": config.model_dump(mode="json", exclude={"epochs", "seed", "threads"}),
    }


def _require_same(study: optuna.Study, identity: Mapping[str, Any]) -> None:
    known = study.user_attrs.get(_IDENTITY)
    if known is None:
        study.set_user_attr(ID, str(uuid4()))
        study.set_user_attr(_IDENTITY, dict(identity))
        return
    for name, value in identity.items():
        if known.get(name) != value:
            raise StudyError(f"{name}: study {study.study_name} was begun with {_told(name, known, value)}")


def _told(name: str, known: Mapping[str, Any], value: object) -> str:
    hint = "choose another --study"
    if name == "data":
        return f"other quotes, symbols or --until; {hint}"
    if isinstance(value, int):
        return f"{known.get(name)}, not {value}; say {known.get(name)}, or {hint}"
    return f"another {name} or defaults, by another version of Closecast; {hint}"
