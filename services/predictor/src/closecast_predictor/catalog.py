"""The registered versions: what there are, what each is, and which of them a person makes champion."""

import json
import math
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Condition, Lock
from typing import Any, Final, TypeVar
from uuid import uuid4

from cachetools import TTLCache, cached

from closecast.events import ModelEvent
from closecast.forecasting.card import CARD_FILE, ModelCard
from closecast.forecasting.metrics import finite
from closecast.forecasting.spec import SPEC_FILE, InvalidBundleError
from closecast.mlflow_settings import (
    ARTIFACT_PATH,
    CHAMPION,
    CHOSEN_TAG,
    OUTCOME_TAG,
    REASON_TAG,
    SKILL_TAG,
)
from closecast.telemetry.logs import get_logger
from closecast_predictor.cache import LoadedModel
from closecast_predictor.registry import RegisteredVersion, Registry, RegistryUnavailableError, is_missing, reaching
from closecast_predictor.versions import Refusal, Version, VersionDetails

MOST_VERSIONS: Final = 1000
_FRESH_S: Final = 2.0
_DETAILS: Final = 100
_READY: Final = "READY"

T = TypeVar("T")

_log = get_logger(__name__)


class Catalog:
    """Asks MLflow for versions, and moves the alias that decides which of them speaks.

    What was asked is told again for two seconds: pages poll. Every method may raise `RegistryUnavailableError`.

    Args:
        registry: MLflow.
        speaking: Tells the version of each registered model that speaks now.
    """

    def __init__(self, registry: Registry, speaking: Callable[[], Mapping[str, str]]) -> None:
        self._registry = registry
        self._speaking = speaking
        self._names = registry.settings.names
        self._promoting = Lock()
        lists: TTLCache[Any, list[Version]] = TTLCache(1, _FRESH_S)
        details: TTLCache[Any, VersionDetails | Refusal] = TTLCache(_DETAILS, _FRESH_S)
        self._lists = cached(lists, condition=Condition())(self._all)
        self._details = cached(details, condition=Condition())(self._one)

    def versions(self, limit: int) -> list[Version]:
        """Return the latest versions of all models that may speak, the latest first."""
        return [self._as_of_now(version) for version in self._lists()[:limit]]

    def version(self, model: str, version: str) -> VersionDetails | Refusal:
        """Return all that is known of a version."""
        found = self._details(model, version)
        return found if isinstance(found, Refusal) else replace(found, version=self._as_of_now(found.version))

    def promote(self, model: str, version: str) -> ModelEvent | Refusal:
        """Make a version the champion of its model, and return the event that tells it.

        The tag that names a person's choice is set before the alias is, so that a training that ends at the same moment
        sees it and leaves the alias to it.
        """
        with self._promoting, reaching():
            found = self._find(model, version)
            if isinstance(found, Refusal):
                return found
            number, now = str(found.version), datetime.now(UTC)
            if (unfit := self._unfit(found)) is not None:
                return Refusal("unfit", f"version {number} of {model} {unfit}")
            before = self._registry.client.get_registered_model(model)
            self._choose(before, number, now)
            self._lists.cache_clear()
            self._details.cache_clear()
        replaced = f"version {before.aliases[CHAMPION]}" if CHAMPION in before.aliases else "no champion"
        _log.info("a person promoted a version", model=model, version=number, replaced=replaced)
        return ModelEvent(
            request_id=uuid4(),
            model=model,
            outcome="promoted",
            decided_by="person",
            version=number,
            run_id=str(found.run_id),
            reason=f"rollback: promoted by a person in place of {replaced}",
            occurred_at=now,
        )

    def _choose(self, before: Any, number: str, now: datetime) -> None:  # noqa: ANN401 - mlflow is untyped
        """Set the tag of a person's choice, then the alias; if that fails, the tag is what it was before."""
        client = self._registry.client
        client.set_registered_model_tag(before.name, CHOSEN_TAG, f"{number} {now.isoformat()}")
        try:
            client.set_registered_model_alias(before.name, CHAMPION, number)
        except Exception:
            try:
                if (chosen := before.tags.get(CHOSEN_TAG)) is None:
                    client.delete_registered_model_tag(before.name, CHOSEN_TAG)
                else:
                    client.set_registered_model_tag(before.name, CHOSEN_TAG, chosen)
            except Exception as error:  # noqa: BLE001 - what the person is told is why the alias was not moved
                _log.warning("the tag of a failed promotion stays", model=before.name, error=str(error))
            raise

    def _as_of_now(self, version: Version) -> Version:
        return replace(version, serving=self._speaking().get(version.model) == version.version)

    def _all(self) -> list[Version]:
        with reaching():
            aliases = self._registry.speaking()
            found = self._registry.client.search_model_versions(
                f"name LIKE '{self._names.pattern}'",
                max_results=MOST_VERSIONS,
                order_by=["creation_timestamp DESC", "version_number DESC"],
            )
        return [self._summary(one, aliases[one.name]) for one in found if one.name in aliases]

    def _one(self, model: str, version: str) -> VersionDetails | Refusal:
        with reaching():
            found = self._find(model, version)
            if isinstance(found, Refusal):
                return found
            aliases = self._registry.client.get_registered_model(model).aliases
            summary = self._summary(found, {alias: str(named) for alias, named in aliases.items()})
            parameters = self._parameters(summary.run_id)
            files = self._files(summary.run_id)
            spec = self._read(summary.run_id, SPEC_FILE, json.loads) if SPEC_FILE in files else None
            card = self._read(summary.run_id, CARD_FILE, ModelCard.model_validate_json) if CARD_FILE in files else None
        if spec is None:
            return VersionDetails(summary, parameters=parameters, card=card)
        measures = finite(spec.get("metrics", {}))
        return VersionDetails(summary, measures, parameters, tuple(spec.get("universe", ())), spec, card)

    def _find(self, model: str, version: str) -> Any:  # noqa: ANN401 - mlflow is untyped
        """Return a version as MLflow has it, or a refusal."""
        from mlflow.exceptions import MlflowException

        unknown = Refusal("unknown", f"there is no version {version} of {model}")
        if model != self._names.panel and self._names.symbol_of(model) is None:
            return unknown
        try:
            return self._registry.client.get_model_version(model, version)
        except MlflowException as error:
            if is_missing(error):
                return unknown
            raise

    def _unfit(self, found: Any) -> str | None:  # noqa: ANN401 - mlflow is untyped
        """Return why a version cannot be served, None if it can."""
        if found.status != _READY:
            return f"is not ready: MLflow says {found.status}"
        if found.tags.get(OUTCOME_TAG) == "failed":
            return f"failed: {found.tags.get(REASON_TAG, '')}"
        with tempfile.TemporaryDirectory(prefix="closecast-model-") as folder:
            version = RegisteredVersion(str(found.version), str(found.run_id))
            try:
                files = self._fetched(lambda: self._registry.download(version, Path(folder)))
                LoadedModel.read(found.name, version.version, self._names.symbol_of(found.name), files)
            except ValueError as error:
                return f"cannot be served: {error}"
        return None

    def _parameters(self, run_id: str) -> dict[str, str]:
        """Return the parameters of a run, none if there is no such run (any more)."""
        from mlflow.exceptions import MlflowException

        try:
            parameters: dict[str, str] = self._registry.client.get_run(run_id).data.params
        except MlflowException as error:
            if is_missing(error):
                return {}
            raise
        return parameters

    def _files(self, run_id: str) -> frozenset[str]:
        """Return the names of a version's files; a store may answer for a missing one as if it were down."""
        try:
            found = self._fetched(lambda: self._registry.client.list_artifacts(run_id, ARTIFACT_PATH))
        except InvalidBundleError as error:
            _log.warning("a version has no files", run_id=run_id, error=str(error))
            return frozenset()
        return frozenset(Path(file.path).name for file in found)

    def _read(self, run_id: str, name: str, parse: Callable[[bytes], T]) -> T | None:
        """Return what a file of a version says, None if there is none that can be read."""
        with tempfile.TemporaryDirectory(prefix="closecast-version-") as folder:
            path = f"{ARTIFACT_PATH}/{name}"
            try:
                file = self._fetched(lambda: self._registry.client.download_artifacts(run_id, path, folder))
                return parse(Path(file).read_bytes())
            except ValueError as error:
                _log.warning("a version has no such file that can be read", run_id=run_id, file=name, error=str(error))
                return None

    def _fetched(self, fetch: Callable[[], T]) -> T:
        """Return what was fetched of a run's files.

        Raises:
            InvalidBundleError: If the run has no such files.
        """
        from mlflow.exceptions import MlflowException

        try:
            with reaching():
                return fetch()
        except RegistryUnavailableError:
            raise
        except (OSError, MlflowException) as error:
            raise InvalidBundleError(f"its run has no such files: {error}") from error

    def _summary(self, found: Any, aliases: Mapping[str, str]) -> Version:  # noqa: ANN401 - mlflow is untyped
        return Version(
            model=found.name,
            version=str(found.version),
            aliases=tuple(sorted(alias for alias, named in aliases.items() if named == str(found.version))),
            outcome=found.tags.get(OUTCOME_TAG),
            reason=found.tags.get(REASON_TAG),
            created_at=datetime.fromtimestamp(found.creation_timestamp / 1000, UTC),
            skill=_number(found.tags.get(SKILL_TAG)),
            run_id=str(found.run_id),
            symbol=self._names.symbol_of(found.name),
        )


def _number(tag: str | None) -> float | None:
    """Return what a tag says; people set tags too, so it may be no number."""
    try:
        value = float(tag or "")
    except ValueError:
        return None
    return value if math.isfinite(value) else None
