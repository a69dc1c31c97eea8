"""MLflow, asked patiently: the runs of trainings, and which version of a model is served."""

import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

import requests
import tenacity
from mlflow.entities import Metric, Param
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from closecast.events import TrainingRequest
from closecast.mlflow_settings import (
    ARTIFACT_PATH,
    CHAMPION,
    CHOSEN_TAG,
    CLIENT_ENVIRONMENT,
    REQUEST_TAG,
    MlflowSettings,
)
from closecast.telemetry.logs import get_logger
from closecast.telemetry.readiness import MLFLOW, READINESS
from closecast_trainer.metrics import TrainerMetrics

IDENTITY_TAG: Final = "closecast.identity"
"""Tag of a run: what makes two trainings the same."""

_OUTAGES: Final = frozenset({401, 403, 408, 429})
_ENVIRONMENT: Final = CLIENT_ENVIRONMENT | {
    # Retries are this module's: those of the client would hold up a shutdown for minutes.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}

_log = get_logger(__name__)
T = TypeVar("T")


class TrainingCancelledError(Exception):
    """The trainer is stopping, or is no longer the active one."""


@dataclass(frozen=True, slots=True)
class Champion:
    """The version that is served now."""

    version: str
    run_id: str


@dataclass(frozen=True, slots=True)
class Standing:
    """How a registered model stands at a moment.

    Attributes:
        champion: Version that is served; None while there is none.
        chosen: What a person promoted last: version and time; empty if no one ever did.
    """

    champion: str | None = None
    chosen: str = ""

    @property
    def chosen_version(self) -> str:
        """The version that a person promoted last."""
        return self.chosen.partition(" ")[0]


class Registry:
    """Talks to MLflow, and waits for it as long as it takes: an outage holds a training up but loses nothing.

    Args:
        settings: The server, the experiment and the timeout of one request.
        cancelled: Ends every wait.
        metrics: Told of outages.
    """

    def __init__(self, settings: MlflowSettings, cancelled: threading.Event, metrics: TrainerMetrics) -> None:
        os.environ.update(_ENVIRONMENT, MLFLOW_HTTP_REQUEST_TIMEOUT=str(int(settings.timeout_s)))
        self.tracking_uri = settings.tracking_uri
        self._client = MlflowClient(tracking_uri=settings.tracking_uri, registry_uri=settings.tracking_uri)
        self._experiment = settings.experiment
        self._cancelled = cancelled
        self._metrics = metrics
        self._retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(is_outage),
            wait=tenacity.wait_random_exponential(multiplier=0.5, max=30),
            sleep=tenacity.sleep_using_event(cancelled),
            before_sleep=self._tell_outage,
            reraise=True,
        )

    def start_run(self, request: TrainingRequest, identity: str, parameters: Mapping[str, object]) -> str:
        """Open a run for a training and return its id."""
        experiment_id = self.experiment_id()
        tags = {
            REQUEST_TAG: str(request.id),
            IDENTITY_TAG: identity,
            "closecast.model": request.model,
            "closecast.requested_for": request.reason,
        }
        name = f"{request.model} {time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime())}"
        run = self.call(lambda client: client.create_run(experiment_id, tags=tags, run_name=name))
        run_id = str(run.info.run_id)
        self.log_parameters(run_id, parameters)
        return run_id

    def log_parameters(self, run_id: str, parameters: Mapping[str, object]) -> None:
        """Log parameters of a run."""
        params = [Param(key, str(value)) for key, value in parameters.items()]
        self.call(lambda client: client.log_batch(run_id, params=params))

    def log_metrics(self, run_id: str, metrics: list[Metric]) -> None:
        """Log metrics of a run, waiting for MLflow if need be."""
        self.call(lambda client: client.log_batch(run_id, metrics=metrics))

    def try_log_metrics(self, run_id: str, metrics: list[Metric]) -> bool:
        """Log metrics of a run if MLflow answers now, and tell whether it did: training does not wait for it."""
        try:
            self._client.log_batch(run_id, metrics=metrics)
        except Exception as error:
            if not is_outage(error):
                raise
            return False
        return True

    def log_folder(self, run_id: str, folder: Path, artifact_path: str | None = None) -> None:
        """Upload a folder's files as artifacts of a run."""
        self.call(lambda client: client.log_artifacts(run_id, str(folder), artifact_path))

    def champion(self, model: str) -> Champion | None:
        """Return the champion of a model, or None while it has none."""
        try:
            version = self.call(lambda client: client.get_model_version_by_alias(model, CHAMPION))
        except MlflowException as error:
            if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                return None
            raise
        return Champion(str(version.version), str(version.run_id))

    def standing(self, model: str) -> Standing:
        """Return how a model stands; one that was never registered has no champion."""
        try:
            registered = self.call(lambda client: client.get_registered_model(model))
        except MlflowException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                return Standing()
            raise
        champion = registered.aliases.get(CHAMPION)
        return Standing(None if champion is None else str(champion), registered.tags.get(CHOSEN_TAG, ""))

    def download(self, champion: Champion, folder: Path) -> Path:
        """Fetch the files of the champion into a folder, and return where they are."""
        return Path(self.call(lambda client: client.download_artifacts(champion.run_id, ARTIFACT_PATH, str(folder))))

    def end_run(self, run_id: str, status: str) -> None:
        """Close a run as FINISHED, FAILED or KILLED."""
        self.call(lambda client: client.set_terminated(run_id, status))

    def try_kill_run(self, run_id: str) -> None:
        """Mark a run as killed if MLflow answers: the trainer is about to end and waits for nothing."""
        try:
            self._client.set_terminated(run_id, "KILLED")
        except Exception as error:
            if not is_outage(error):
                raise
            _log.warning("run not marked as killed", run_id=run_id, error=str(error))

    def call(self, action: Callable[[MlflowClient], T]) -> T:
        """Call MLflow until it answers.

        Raises:
            TrainingCancelledError: If the trainer stops meanwhile.
            MlflowException: If MLflow refuses the call itself.
        """

        def attempt() -> T:
            if self._cancelled.is_set():
                raise TrainingCancelledError
            return action(self._client)

        answer = self._retrying(attempt)
        self._metrics.registry_up.set(1)
        READINESS.found(MLFLOW)
        return answer

    def experiment_id(self) -> str:
        """Return the experiment that the runs go to, making it if need be."""
        experiment = self.call(lambda client: client.get_experiment_by_name(self._experiment))
        if experiment is not None:
            return str(experiment.experiment_id)
        try:
            return str(self.call(lambda client: client.create_experiment(self._experiment)))
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        return self.experiment_id()

    def _tell_outage(self, state: tenacity.RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        self._metrics.registry_up.set(0)
        self._metrics.registry_retries.inc()
        READINESS.lost(MLFLOW, f"no answer from {self.tracking_uri}")
        wait = state.next_action.sleep if state.next_action else 0
        _log.warning(
            "MLflow does not answer, trying again",
            tracking_uri=self.tracking_uri,
            wait_s=round(wait, 1),
            error=str(error)[:300],
        )


def is_outage(error: BaseException) -> bool:
    """Tell whether a later try may succeed: the server is down, overloaded or locked, not the call wrong."""
    if isinstance(error, MlflowException):
        status: int = error.get_http_status_code()  # type: ignore[no-untyped-call]
        return status >= 500 or status in _OUTAGES  # noqa: PLR2004
    return isinstance(error, requests.RequestException)
