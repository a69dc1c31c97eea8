"""The predictor's way to MLflow: which versions are champions, and their files."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import requests

from closecast.forecasting.spec import InvalidBundleError
from closecast.mlflow_settings import ARTIFACT_PATH, CHAMPION, CLIENT_ENVIRONMENT, MlflowSettings

_ATTEMPTS_OF_A_REQUEST: Final = 2
_MODELS_A_CALL: Final = 1000
_VERSION: Final = re.compile(r"\d{1,18}")
_RUN_ID: Final = re.compile(r"[0-9a-f]{32}")


_OUTAGES: Final = frozenset({401, 403, 408, 429})


class RegistryUnavailableError(ConnectionError):
    """MLflow cannot be asked now; a later try may succeed."""


@contextmanager
def reaching() -> Iterator[None]:
    """Tell what goes wrong on the way to MLflow, or because it is overloaded or locked, as one error.

    Raises:
        RegistryUnavailableError: If a later try may succeed.
        MlflowException: If the call itself was wrong.
    """
    from mlflow.exceptions import MlflowException

    try:
        yield
    except (requests.RequestException, MlflowException) as error:
        if _status(error) >= 500 or _status(error) in _OUTAGES:  # noqa: PLR2004
            raise RegistryUnavailableError(f"MLflow does not answer: {_origin(error)}") from error
        raise


def _origin(error: BaseException) -> BaseException:
    """Return what an error goes back to, such as a refused connection; those above it repeat it with all addresses."""
    before = error.__cause__ or error.__context__
    return error if before is None else _origin(before)


def _status(error: Any) -> int:  # noqa: ANN401 - mlflow is untyped
    """Return the HTTP status of an error; 503 where no answer came."""
    if isinstance(error, requests.RequestException):
        return 503 if error.response is None else error.response.status_code
    status: int = error.get_http_status_code()
    return status


def is_missing(error: Exception) -> bool:
    """Tell whether MLflow refuses a call because what it is about does not exist."""
    return getattr(error, "error_code", "") in {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"}


@dataclass(frozen=True, slots=True)
class RegisteredVersion:
    """A version in MLflow's registry.

    Attributes:
        version: Its number.
        run_id: The run that holds its files; a version that was registered by hand may name none.
    """

    version: str
    run_id: str


class Registry:
    """Asks MLflow; every method may raise whatever a server that is down or slow brings about.

    Args:
        settings: Where MLflow is, and the names of the models.

    Attributes:
        settings: The same.
    """

    def __init__(self, settings: MlflowSettings) -> None:
        self.settings = settings
        self._client: Any = None

    def speaking(self) -> dict[str, dict[str, str]]:
        """Return the aliases of each registered model that may speak, by name: the version that each alias names."""
        names = self.settings.names
        found: dict[str, dict[str, str]] = {}
        token: str | None = ""
        while token is not None:
            page = self.client.search_registered_models(
                f"name LIKE '{names.pattern}'", max_results=_MODELS_A_CALL, page_token=token or None
            )
            for model in page:
                if model.name == names.panel or names.symbol_of(model.name) is not None:
                    found[model.name] = {alias: str(version) for alias, version in model.aliases.items()}
            token = page.token or None
        return found

    def champion(self, name: str) -> RegisteredVersion | None:
        """Return the champion of a model, or None while there is none."""
        from mlflow.exceptions import MlflowException

        try:
            version = self.client.get_model_version_by_alias(name, CHAMPION)
        except MlflowException as error:
            if is_missing(error):
                return None
            raise
        return RegisteredVersion(str(version.version), str(version.run_id))

    def download(self, target: RegisteredVersion, folder: Path) -> Path:
        """Download a version into a folder and return where its files are.

        Raises:
            InvalidBundleError: If it cannot be one of MLflow's versions.
        """
        # Both end up in paths and addresses, and a registry may say anything.
        if not (_VERSION.fullmatch(target.version) and _RUN_ID.fullmatch(target.run_id)):
            raise InvalidBundleError(f"version {target.version!r} of run {target.run_id!r} is none of MLflow's")
        return Path(self.client.download_artifacts(target.run_id, ARTIFACT_PATH, str(folder)))

    @property
    def client(self) -> Any:  # noqa: ANN401 - mlflow is untyped
        """MLflow's client; the import, which takes a second, waits until the first use."""
        if self._client is None:
            os.environ.update(
                CLIENT_ENVIRONMENT,
                MLFLOW_HTTP_REQUEST_MAX_RETRIES=str(_ATTEMPTS_OF_A_REQUEST - 1),
                MLFLOW_HTTP_REQUEST_TIMEOUT=str(max(1, int(self.settings.timeout_s))),
            )
            from mlflow import MlflowClient

            self._client = MlflowClient(self.settings.tracking_uri)
        return self._client
