"""What becomes of a training: decided once, written down in MLflow, and done from there by whoever finds it."""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from mlflow.entities import RunTag
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from closecast.events import ModelEvent, TrainingRequest
from closecast.forecasting.card import CARD_PAGE
from closecast.mlflow_settings import (
    APPLIED,
    ARTIFACT_PATH,
    CHALLENGER,
    CHAMPION,
    DECIDED,
    OUTCOME_FILE,
    OUTCOME_TAG,
    REASON_TAG,
    REQUEST_TAG,
    SKILL_TAG,
    STATE_TAG,
    answer_tag,
)
from closecast.telemetry.logs import get_logger
from closecast_trainer.registry import IDENTITY_TAG, Registry, Standing

_CHAMPION_BEFORE: Final = "closecast.champion_before"
_CHOSEN_BEFORE: Final = "closecast.chosen_before"
_RETIRES: Final = "closecast.retires_champion"
_MAX_TAG: Final = 5000

_log = get_logger(__name__)


class Decisions:
    """Writes decisions down and carries them out.

    A person may promote a version while a training runs, or at the very moment at which one ends: that choice stands.
    The person's tag is set before the alias moves (`CHOSEN_TAG`), and is read here before and after the alias is moved,
    so that however the two interleave the person's version is champion in the end.

    Args:
        registry: MLflow.
    """

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def find(self, request: TrainingRequest, identity: str = "") -> str | None:
        """Return the run that decided this request or, if given, this identity; None if none has.

        Runs of the request that were left undecided, by a trainer that died, are marked as killed.
        """
        tag, value = (IDENTITY_TAG, identity) if identity else (REQUEST_TAG, str(request.id))
        experiment_id = self._registry.experiment_id()
        runs = self._registry.call(
            lambda client: client.search_runs(
                [experiment_id], f"tags.`{tag}` = '{value}'", order_by=["attributes.start_time DESC"]
            )
        )
        decided = None
        for run in runs:
            failed_for_another = run.data.tags.get(OUTCOME_TAG) == "failed" and identity
            if STATE_TAG in run.data.tags and not failed_for_another:
                decided = decided or str(run.info.run_id)
            elif run.info.status == "RUNNING":
                self._registry.end_run(run.info.run_id, "KILLED")
        return decided

    def decide(self, run_id: str, event: ModelEvent, judged_beside: Standing, *, retires: bool = False) -> None:
        """Write down what shall become of a training, before anything of it is done.

        From here on the training is never repeated: whoever finds the run applies the decision.

        Args:
            run_id: The run of the training.
            event: The outcome.
            judged_beside: How the model stood when the training began.
            retires: Whether the champion that was judged with it is to be champion no longer.
        """
        self._write(run_id, event)
        tags = {
            _CHAMPION_BEFORE: judged_beside.champion or "",
            _CHOSEN_BEFORE: judged_beside.chosen,
            _RETIRES: "yes" if retires else "",
            STATE_TAG: DECIDED,
        }
        self._registry.call(
            lambda client: client.log_batch(run_id, tags=[RunTag(key, value) for key, value in tags.items()])
        )

    def apply(self, run_id: str) -> ModelEvent:
        """Do what was decided for a run, as far as it is not done yet, and return the event that tells it."""
        tags = self._registry.call(lambda client: client.get_run(run_id)).data.tags
        event = self._read(run_id)
        if event.outcome != "failed":
            event = event.model_copy(update={"version": self._version(run_id, event)})
        if tags.get(STATE_TAG) == APPLIED:
            return event
        if event.outcome != "failed":
            event = self._place(run_id, event, tags)
        self._registry.call(lambda client: client.set_tag(run_id, STATE_TAG, APPLIED))
        self._registry.end_run(run_id, "FAILED" if event.outcome == "failed" else "FINISHED")
        return event

    def answers_too(self, run_id: str, request: TrainingRequest) -> None:
        """Note on a run that it answers one more request: its outcome is found by that request from now on."""
        self._registry.call(lambda client: client.set_tag(run_id, answer_tag(request.id), request.reason))

    def _place(self, run_id: str, event: ModelEvent, tags: dict[str, str]) -> ModelEvent:
        """Make a version champion or challenger, and return what became of it."""
        before = Standing(tags.get(_CHAMPION_BEFORE) or None, tags.get(_CHOSEN_BEFORE, ""))
        model, version = event.model, str(event.version)
        if event.outcome == "promoted":
            if self._move_champion(
                model, before, version, lambda client: client.set_registered_model_alias(model, CHAMPION, version)
            ):
                return event
            event = self._overtaken(run_id, event, before)
        elif tags.get(_RETIRES):
            self._move_champion(
                model, before, None, lambda client: client.delete_registered_model_alias(model, CHAMPION)
            )
        self._registry.call(lambda client: client.set_registered_model_alias(model, CHALLENGER, version))
        return event

    def _move_champion(
        self, model: str, before: Standing, after: str | None, move: Callable[[MlflowClient], object]
    ) -> bool:
        """Move the alias, unless a person has moved it since the training began; return whether it was moved."""
        now = self._registry.standing(model)
        if now.chosen != before.chosen or now.champion not in {before.champion, after}:
            return False
        self._registry.call(move)
        now = self._registry.standing(model)
        if now.chosen == before.chosen:
            return True
        self._registry.call(lambda client: client.set_registered_model_alias(model, CHAMPION, now.chosen_version))
        return False

    def _overtaken(self, run_id: str, event: ModelEvent, before: Standing) -> ModelEvent:
        """Reject what was to be promoted: a person has chosen another champion since than it was judged beside."""
        now = self._registry.standing(event.model)
        # The alias may lag behind the choice, for ever if the call that was to move it failed.
        chosen = now.champion if now.chosen == before.chosen else now.chosen_version
        reason = f"not judged beside version {chosen}, which was chosen while this one was trained"
        _log.warning("a person's choice stands", model=event.model, version=event.version, reason=reason)
        event = event.model_copy(update={"outcome": "rejected", "reason": reason})

        def tag(client: MlflowClient) -> None:
            client.set_model_version_tag(event.model, str(event.version), OUTCOME_TAG, event.outcome)
            client.set_model_version_tag(event.model, str(event.version), REASON_TAG, reason)

        self._registry.call(tag)
        self._write(run_id, event)
        return event

    def _write(self, run_id: str, event: ModelEvent) -> None:
        with TemporaryDirectory() as folder:
            (Path(folder) / OUTCOME_FILE).write_bytes(event.to_bytes())
            self._registry.log_folder(run_id, Path(folder))
        tags = [RunTag(OUTCOME_TAG, event.outcome), RunTag(REASON_TAG, event.reason[:_MAX_TAG])]
        self._registry.call(lambda client: client.log_batch(run_id, tags=tags))

    def _read(self, run_id: str) -> ModelEvent:
        with TemporaryDirectory() as folder:
            path = self._registry.call(lambda client: client.download_artifacts(run_id, OUTCOME_FILE, folder))
            return ModelEvent.from_bytes(Path(path).read_bytes())

    def _version(self, run_id: str, event: ModelEvent) -> str:
        """Return the version registered for a run, registering it if it is not."""
        known = self._registry.call(lambda client: client.search_model_versions(f"run_id = '{run_id}'"))
        if known:
            return str(known[0].version)
        try:
            self._registry.call(lambda client: client.create_registered_model(event.model))
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        tags = {
            REQUEST_TAG: str(event.request_id),
            OUTCOME_TAG: event.outcome,
            REASON_TAG: event.reason[:_MAX_TAG],
            SKILL_TAG: _skill(event),
        }
        version: Any = self._registry.call(
            lambda client: client.create_model_version(
                event.model,
                source=f"runs:/{run_id}/{ARTIFACT_PATH}",
                run_id=run_id,
                tags=tags,
                description=f"{event.outcome}: {event.reason}\n\nModel card: `{ARTIFACT_PATH}/{CARD_PAGE}` of its run.",
            )
        )
        return str(version.version)


def _skill(event: ModelEvent) -> str:
    own, naive = (event.metrics.get(model, {}).get("mqloss") for model in ("candidate", "naive"))
    return "" if own is None or not naive else str(1 - own / naive)
