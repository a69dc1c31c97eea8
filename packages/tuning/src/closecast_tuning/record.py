"""The study in MLflow: a run of the study, and within it a run for each finished trial."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final

import requests
from mlflow.entities import Metric, Param, Run, RunTag
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from closecast.mlflow_settings import CLIENT_ENVIRONMENT, REASON_TAG, MlflowSettings
from closecast_trainer.config import TrainingConfig
from closecast_trainer.registry import is_outage
from closecast_tuning.folds import Fold
from closecast_tuning.report import snippet
from closecast_tuning.space import SPACE
from closecast_tuning.study import Study
from closecast_tuning.trials import Finished

STUDY_TAG: Final = "closecast.study"
"""Tag of the run of a study: the study's id."""
TRIAL_TAG: Final = "closecast.trial"
"""Tag of the run of a trial: its number."""
STATE_TAG: Final = "closecast.trial_state"
"""Tag of the run of a trial: complete, pruned or failed."""

_PARENT: Final = "mlflow.parentRunId"
_ENVIRONMENT: Final = CLIENT_ENVIRONMENT | {
    "DO_NOT_TRACK": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}
_MOST_RUNS: Final = 20_000


class RecordError(Exception):
    """MLflow cannot be used; the message names the option."""


class Record:
    """Keeps MLflow as the study is; what an outage kept out of it is made up for later.

    Args:
        client: Of the server or of the local store.
        experiment_id: Where the runs are.
        study: The study.
        parameters: What the study was begun with.
    """

    def __init__(self, client: MlflowClient, experiment_id: str, study: Study, parameters: dict[str, object]) -> None:
        self._client = client
        self._experiment_id = experiment_id
        self._study = study
        self._parent = self._take_up(parameters)
        self._recorded = {int(run.data.tags[TRIAL_TAG]) for run in self._children()}
        self._best: int | None = None

    def update(self) -> bool:
        """Record what is not in MLflow yet, and tell whether it is now; an outage is no error.

        Raises:
            RecordError: If MLflow refuses.
        """
        return _unless_out(self._catch_up)

    def end(self, status: str) -> None:
        """Close the run of the study; an outage is no error."""
        _unless_out(lambda: self._client.set_terminated(self._parent, status))

    def _catch_up(self) -> None:
        for trial in self._study.finished():
            if trial.number not in self._recorded:
                self._record(trial)
                self._recorded.add(trial.number)
        self._tell_best()

    def _take_up(self, parameters: dict[str, object]) -> str:
        """Return the run of the study, which is under way again if it was there before."""
        known = self._runs(f"tags.`{STUDY_TAG}` = '{self._study.id}'")
        if known:
            run_id = str(known[0].info.run_id)
            self._client.update_run(run_id, status="RUNNING")
            return run_id
        run = self._client.create_run(
            self._experiment_id, run_name=f"study {self._study.name}", tags={STUDY_TAG: self._study.id}
        )
        run_id = str(run.info.run_id)
        self._client.log_batch(run_id, params=[Param(name, str(value)) for name, value in parameters.items()])
        return run_id

    def _children(self) -> Iterator[Run]:
        """Yield the runs of trials that are whole; one that an earlier process left unfinished is deleted."""
        for run in self._runs(f"tags.`{_PARENT}` = '{self._parent}'"):
            if run.info.status == "RUNNING":
                self._client.delete_run(run.info.run_id)
            else:
                yield run

    def _record(self, trial: Finished) -> None:
        ended = _milliseconds(trial.ended)
        run = self._client.create_run(
            self._experiment_id,
            start_time=_milliseconds(trial.began),
            run_name=f"trial {trial.number}",
            tags={_PARENT: self._parent, TRIAL_TAG: str(trial.number), STATE_TAG: trial.state},
        )
        run_id = str(run.info.run_id)
        losses = [Metric("fold_relative_loss", loss, ended, fold) for fold, loss in enumerate(trial.losses, 1)]
        figures = {"seconds": trial.seconds} | ({"relative_loss": trial.loss} if trial.state == "complete" else {})
        self._client.log_batch(
            run_id,
            params=[Param(name, str(value)) for name, value in trial.config.model_dump().items()],
            metrics=[*losses, *(Metric(name, value, ended, 0) for name, value in figures.items())],
            tags=[RunTag(REASON_TAG, trial.error)] if trial.error else [],
        )
        self._client.set_terminated(run_id, "FAILED" if trial.state == "failed" else "FINISHED", end_time=ended)

    def _tell_best(self) -> None:
        best = self._study.best()
        if best is None or best.number == self._best:
            return
        values = {"trial": best.number, **best.parameters}
        self._client.log_batch(
            self._parent,
            metrics=[Metric("best_relative_loss", best.loss, _milliseconds(best.ended), best.number)],
            tags=[RunTag(f"best.{name}", str(value)) for name, value in values.items()],
        )
        self._client.log_text(self._parent, snippet(best.config), f"{self._study.name}.env")
        self._best = best.number

    def _runs(self, condition: str) -> Sequence[Run]:
        return self._client.search_runs([self._experiment_id], condition, max_results=_MOST_RUNS)


@contextmanager
def open_record(
    settings: MlflowSettings,
    uri: str | None,
    folder: Path,
    study: Study,
    *,
    config: TrainingConfig,
    folds: Sequence[Fold],
) -> Iterator[Record]:
    """Record a study for the length of a block, in the experiment of tunings.

    Args:
        settings: Of MLflow.
        uri: Its server; by default runs go to a file in the folder.
        folder: Holds that file.
        study: The study.
        config: How to train with the searched values at their defaults.
        folds: What trials are judged on.

    Raises:
        RecordError: If MLflow does not answer, or refuses.
    """
    os.environ.update(_ENVIRONMENT, MLFLOW_HTTP_REQUEST_TIMEOUT=str(int(settings.timeout_s)))
    address = uri or f"sqlite:///{folder.absolute() / 'mlflow.db'}"
    client = MlflowClient(tracking_uri=address, registry_uri=address)
    try:
        artifacts = None if uri else (folder.absolute() / "artifacts").as_uri()
        experiment_id = _experiment(client, f"{settings.experiment}-tuning", artifacts)
        record = Record(client, experiment_id, study, _parameters(config, folds))
    except (MlflowException, requests.RequestException) as error:
        raise RecordError(f"mlflow.tracking-uri: {address} cannot be used: {_first_line(error)}") from error
    status = "KILLED"
    try:
        yield record
        status = "FINISHED"
    finally:
        record.end(status)


def _unless_out(work: Callable[[], object]) -> bool:
    """Do what takes MLflow, and tell whether it was there."""
    try:
        work()
    except (MlflowException, requests.RequestException) as error:
        if not is_outage(error):
            raise RecordError(f"mlflow: refuses: {_first_line(error)}") from error
        return False
    return True


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


def _experiment(client: MlflowClient, name: str, artifacts: str | None) -> str:
    known = client.get_experiment_by_name(name)
    return str(known.experiment_id if known else client.create_experiment(name, artifact_location=artifacts))


def _parameters(config: TrainingConfig, folds: Sequence[Fold]) -> dict[str, object]:
    latest = folds[-1].panel
    return {
        "seed": config.seed,
        "epochs": config.epochs,
        "folds": len(folds),
        **{
            f"fold_{number}": f"{fold.slices.test.start} to {fold.slices.test.end}"
            for number, fold in enumerate(folds, 1)
        },
        **{f"space.{name}": str(distribution) for name, distribution in SPACE.items()},
        "data.symbols": len(latest),
        "data.rows": int(latest.lengths.sum()),
        "data.last_session": latest.last_session.max(),
        "data.fingerprint": latest.fingerprint(),
    }


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
