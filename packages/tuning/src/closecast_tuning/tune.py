"""A search from the folder of quotes to the best settings."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from rich.console import Console

from closecast_backtest.command import CommandError, require_device
from closecast_backtest.quotes import read_folder
from closecast_ingestor.sources.base import SourceError
from closecast_trainer.ray_cluster import RAY_ADDRESS, RayUnavailableError
from closecast_tuning.folds import Fold, FoldsError, make_folds
from closecast_tuning.pools import LocalPool, Pool
from closecast_tuning.progress import SearchTeller, telling
from closecast_tuning.ray_pool import ray_pool
from closecast_tuning.record import Record, RecordError, open_record
from closecast_tuning.report import print_trials, snippet, told, write_snippet
from closecast_tuning.search import search
from closecast_tuning.settings import TuneSettings
from closecast_tuning.study import Study, StudyError, open_study
from closecast_tuning.trials import Finished

_FAULTS: Final = (SourceError, FoldsError, StudyError, RecordError, RayUnavailableError, OSError)


def run_tuning(settings: TuneSettings, console: Console) -> None:
    """Read, cut the folds, search, print the trials and keep the best.

    Raises:
        CommandError: If it cannot be done; what was done of the study is kept.
    """
    address = os.environ.get(RAY_ADDRESS)
    if not address:
        require_device(settings.device)
        if settings.jobs is not None:
            raise CommandError(f"jobs: takes a Ray cluster, and {RAY_ADDRESS} names none")
    try:
        _tune(settings, address, console)
    except _FAULTS as error:
        raise CommandError(str(error)) from error


def _tune(settings: TuneSettings, address: str | None, console: Console) -> None:
    with telling() as teller:
        folds = _folds(settings, teller)
    with open_study(settings.out, settings.study, folds, settings.training) as study:
        with telling() as teller:
            teller.expect(len(folds), settings.epochs)
            _search(settings, study, folds, address, teller)
        best = study.best()
        print_trials(console, study.finished(), best, len(folds))
        if best is None:
            raise CommandError(f"no trial of study {study.name} was completed")
        file = settings.out / f"{study.name}.env"
        write_snippet(best.config, file)
        console.print(f"\ntrial {best.number} is the best; {file} has it as settings of the trainer:\n", soft_wrap=True)
        console.print(snippet(best.config), end="", markup=False, soft_wrap=True)


def _folds(settings: TuneSettings, teller: SearchTeller) -> tuple[Fold, ...]:
    panel = read_folder(settings.data, settings.symbols, teller)
    folds = make_folds(panel, settings.folds, settings.until)
    for number, fold in enumerate(folds, start=1):
        block = fold.slices.test
        teller.say(f"fold {number} of {len(folds)}: judged from {block.start} to {block.end}")
    return folds


def _search(
    settings: TuneSettings, study: Study, folds: Sequence[Fold], address: str | None, teller: SearchTeller
) -> None:
    known = len(study.finished())
    if known:
        teller.say(f"study {study.name} goes on: {known} of {settings.trials} trials are finished")
    with (
        _pool(settings, folds, address, teller) as pool,
        open_record(
            settings.mlflow, settings.tracking_uri, settings.out, study, config=settings.training, folds=folds
        ) as record,
    ):
        search(
            study,
            pool,
            trials=settings.trials,
            folds=len(folds),
            on_finish=lambda trial: _finished(trial, len(folds), record, teller),
        )
        if not record.update():
            teller.say("MLflow does not answer; the same command records the rest of the trials later")


@contextmanager
def _pool(settings: TuneSettings, folds: Sequence[Fold], address: str | None, teller: SearchTeller) -> Iterator[Pool]:
    if not address:
        yield LocalPool(folds, settings.device, on_begin=teller.training, on_epoch=teller.epoch)
        return
    with ray_pool(address, folds, settings.device, jobs=settings.jobs) as pool:
        teller.say(f"on the Ray cluster at {address}: {pool.slots} trials at a time")
        yield pool


def _finished(trial: Finished, folds: int, record: Record, teller: SearchTeller) -> None:
    teller.say(told(trial, folds))
    record.update()
