"""The little that the predictor needs of MLflow: which version is champion, its files, and outcomes of trainings."""

import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from closecast.events import ModelEvent
from closecast.mlflow_settings import (
    APPLIED,
    ARTIFACT_PATH,
    CHAMPION,
    OUTCOME_FILE,
    REQUEST_TAG,
    STATE_TAG,
    MlflowSettings,
    answer_tag,
)

_ATTEMPTS_OF_A_REQUEST: Final = 2
_VERSION: Final = re.compile(r"\d{1,18}")
_RUN_ID: Final = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class RegisteredVersion:
    """A version in MLflow's registry.

    Attributes:
        version: Its number.
        run_id: The run that holds its files.

    Raises:
        ValueError: If it cannot be one of MLflow's.
    """

    version: str
    run_id: str

    def __post_init__(self) -> None:
        # Both end up in paths and addresses, and an event may say anything.
        if not (_VERSION.fullmatch(self.version) and _RUN_ID.fullmatch(self.run_id)):
            msg = f"version {self.version!r} of run {self.run_id!r} is none of MLflow's"
            raise ValueError(msg)


class Registry:
    """Asks MLflow; every method may raise whatever a server that is down or slow brings about.

    Args:
        settings: Where MLflow is, and the name of the model.
    """

    def __init__(self, settings: MlflowSettings) -> None:
        self._settings = settings
        self._client: Any = None

    def champion(self) -> RegisteredVersion | None:
        """Return the champion, or None while there is none."""
        from mlflow.exceptions import MlflowException
        from mlflow.protos.databricks_pb2 import RESOURCE_DOES_NOT_EXIST, ErrorCode

        try:
            version = self._connected().get_model_version_by_alias(self._settings.model, CHAMPION)
        except MlflowException as error:
            if error.error_code in {ErrorCode.Name(RESOURCE_DOES_NOT_EXIST), "INVALID_PARAMETER_VALUE"}:
                return None
            raise
        return RegisteredVersion(str(version.version), str(version.run_id))

    def download(self, target: RegisteredVersion, folder: Path) -> Path:
        """Download a version into a folder and return where its files are."""
        return Path(self._connected().download_artifacts(target.run_id, ARTIFACT_PATH, str(folder)))

    def outcome(self, request_id: UUID) -> ModelEvent | None:
        """Return what became of a training request, or None while nothing has."""
        client = self._connected()
        experiment = client.get_experiment_by_name(self._settings.experiment)
        if experiment is None:
            return None
        finished = f"tags.`{STATE_TAG}` = '{APPLIED}'"
        for of_the_request in (f"tags.`{REQUEST_TAG}` = '{request_id}'", f"tags.`{answer_tag(request_id)}` != ''"):
            runs = client.search_runs([experiment.experiment_id], f"{of_the_request} and {finished}", max_results=1)
            if runs:
                return self._outcome_of(runs[0].info.run_id).model_copy(update={"request_id": request_id})
        return None

    def _outcome_of(self, run_id: str) -> ModelEvent:
        client = self._connected()
        with tempfile.TemporaryDirectory(prefix="closecast-outcome-") as folder:
            event = ModelEvent.from_bytes(Path(client.download_artifacts(run_id, OUTCOME_FILE, folder)).read_bytes())
        versions = client.search_model_versions(f"run_id = '{run_id}'")
        return event.model_copy(update={"version": str(versions[0].version)}) if versions else event

    def _connected(self) -> Any:  # noqa: ANN401 - mlflow is untyped
        """Return the client; the import, which takes a second, waits until the first use."""
        if self._client is None:
            os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = str(_ATTEMPTS_OF_A_REQUEST - 1)
            os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] = str(max(1, int(self._settings.timeout_s)))
            os.environ["MLFLOW_ALLOW_PICKLE_DESERIALIZATION"] = "false"
            from mlflow import MlflowClient

            self._client = MlflowClient(self._settings.tracking_uri)
        return self._client
