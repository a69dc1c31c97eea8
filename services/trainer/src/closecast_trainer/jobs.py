"""Answering one training request: recognize it, or train, judge and register; never the same training twice."""

import hashlib
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event as Flag

import numpy as np
from mlflow.exceptions import MlflowException
from structlog.contextvars import bound_contextvars

from closecast.events import ModelEvent, TrainingRequest
from closecast.forecasting.panel import Panel
from closecast.forecasting.series import InvalidSeriesError
from closecast.mlflow_settings import ARTIFACT_PATH
from closecast.telemetry.logs import get_logger
from closecast_trainer.artifacts import PLOTS_PATH
from closecast_trainer.config import TrainingConfig
from closecast_trainer.decisions import Decisions
from closecast_trainer.history import History, PastTraining
from closecast_trainer.metrics import TrainerMetrics, Work
from closecast_trainer.registry import Champion, Registry, TrainingCancelledError
from closecast_trainer.runlog import RunLog
from closecast_trainer.settings import TrainerSettings
from closecast_trainer.verdicts import Verdict, failed, judged
from closecast_trainer.worker import Assignment, Failed, WorkerCancelledError, run_worker

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """The outcome of a request, ready to be told.

    Attributes:
        event: What goes to the models topic.
        training: What the retraining policy remembers.
        whole_universe: Whether the request was for all symbols and sessions.
        work: Whether a model was trained, or the outcome was known from an earlier training.
    """

    event: ModelEvent
    training: PastTraining
    whole_universe: bool
    work: Work


class TrainingJob:
    """Answers training requests, one at a time, on a thread of its own.

    Args:
        settings: Of the trainer.
        history: Where the panel is read.
        registry: Where versions go.
        metrics: What is measured.
        cancelled: Set when the trainer stops or is no longer the active one.
    """

    def __init__(
        self,
        settings: TrainerSettings,
        history: History,
        registry: Registry,
        *,
        metrics: TrainerMetrics,
        cancelled: Flag,
    ) -> None:
        self._settings = settings
        self._history = history
        self._registry = registry
        self._decisions = Decisions(registry)
        self._names = settings.mlflow.names
        self._metrics = metrics
        self._cancelled = cancelled

    def run(self, request: TrainingRequest) -> Answer:
        """Answer a request.

        Whatever goes wrong in the training itself is an answer too: the outcome is ``failed``, with the reason.

        Raises:
            TrainingCancelledError: If the trainer stopped meanwhile; the run is marked as killed.
        """
        began = time.monotonic()
        with (
            bound_contextvars(request_id=str(request.id), model=request.model),
            self._metrics.training.track_inprogress(),
        ):
            _log.info("training request taken up", requested_for=request.reason)
            panel = self._panel(request)
            try:
                event, work = self._answer(request, panel)
            except MlflowException as error:
                # Outages were waited for: MLflow refuses the call, and would do so again.
                _log.error("MLflow refuses", error=str(error))
                event, work = failed(request, None, f"MLflow refuses: {error}"), "trained"
        self._metrics.training_seconds.observe(time.monotonic() - began)
        last_session = None if panel is None else panel.last_session.max().astype(object)
        if last_session is not None:
            midnight = datetime(last_session.year, last_session.month, last_session.day, tzinfo=UTC)
            self._metrics.last_session.set(midnight.timestamp())
        return Answer(
            event=event,
            training=PastTraining(
                model=request.model,
                fingerprint="" if panel is None else panel.fingerprint(),
                last_session=last_session,
                outcome=event.outcome,
                finished_at=datetime.now(UTC),
            ),
            whole_universe=not request.symbols and request.start is None and request.end is None,
            work=work,
        )

    def _panel(self, request: TrainingRequest) -> Panel | None:
        try:
            return self._history.panel(request.symbols, request.start, request.end)
        except InvalidSeriesError:
            return None

    def _answer(self, request: TrainingRequest, panel: Panel | None) -> tuple[ModelEvent, Work]:
        """Return the outcome from MLflow if it is known there, and from a training otherwise."""
        config = self._settings.training.with_request(request.hyperparameters)
        panel_champion = self._panel_champion(request.model)
        beside = "" if panel_champion is None else panel_champion.run_id
        identity = identity_of(request.model, "" if panel is None else panel.fingerprint(), config, beside)
        run_id = self._decisions.find(request) or self._decisions.find(request, identity)
        if run_id is not None:
            event = self._decisions.apply(run_id)
            if event.request_id != request.id:
                self._decisions.answers_too(run_id, request)
            _log.info("the outcome is known, nothing is trained", run_id=run_id, outcome=event.outcome)
            return self._as_of_now(event.model_copy(update={"request_id": request.id})), "known"
        run_id = self._registry.start_run(request, identity, _parameters(panel, config))
        try:
            standing = self._registry.standing(request.model)
            verdict = self._train(request, panel, config, run_id, panel_champion)
        except (WorkerCancelledError, TrainingCancelledError):
            self._registry.try_kill_run(run_id)
            raise TrainingCancelledError from None
        self._decisions.decide(run_id, verdict.event, standing, retires=verdict.retires)
        return self._decisions.apply(run_id), "trained"

    def _panel_champion(self, model: str) -> Champion | None:
        """Return what a symbol's own model has to beat; None for other models, and while the panel has no champion."""
        return None if self._names.symbol_of(model) is None else self._registry.champion(self._names.panel)

    def _as_of_now(self, event: ModelEvent) -> ModelEvent:
        """Return a known outcome as it stands: a champion that was replaced since is not promoted again."""
        if event.outcome != "promoted":
            return event
        champion = self._registry.champion(event.model)
        if champion is not None and champion.version == event.version:
            return event
        now = "there is none" if champion is None else f"it is version {champion.version}"
        reason = f"trained before as version {event.version}, which is no longer the champion: {now}"
        return event.model_copy(update={"outcome": "rejected", "reason": reason})

    def _train(
        self,
        request: TrainingRequest,
        panel: Panel | None,
        config: TrainingConfig,
        run_id: str,
        panel_champion: Champion | None,
    ) -> Verdict:
        """Train, judge and upload; what becomes of it is decided, but not done."""
        if panel is None:
            return Verdict(failed(request, run_id, "no quotes are known of these symbols in this range of sessions"))
        mismatch = self._names.mismatch(request.model, panel.symbols if request.symbols else ())
        if mismatch is not None:
            return Verdict(failed(request, run_id, mismatch, panel.symbols))
        with TemporaryDirectory() as temporary:
            folder = Path(temporary)
            assignment = Assignment(
                panel=panel,
                model=request.model,
                config=TrainingConfig.model_validate(config.model_dump()),
                gate=self._settings.gate,
                device=self._settings.device,
                champion=self._download(self._registry.champion(request.model), folder / "champion"),
                panel_champion=self._download(panel_champion, folder / "panel"),
                panel_version=None if panel_champion is None else panel_champion.version,
                version=folder / ARTIFACT_PATH,
                plots=folder / PLOTS_PATH,
            )
            assignment.plots.mkdir()
            with RunLog(self._registry, run_id, self._metrics) as log:
                outcome = run_worker(assignment, log.progress, self._cancelled)
            if isinstance(outcome, Failed):
                _log.error("training failed", run_id=run_id, reason=outcome.reason, details=outcome.details)
                return Verdict(failed(request, run_id, outcome.reason, panel.symbols))
            log.judged(outcome)
            self._registry.log_folder(run_id, assignment.version, ARTIFACT_PATH)
            self._registry.log_folder(run_id, assignment.plots, PLOTS_PATH)
        return Verdict(judged(request, run_id, outcome, panel.symbols), outcome.retires)

    def _download(self, champion: Champion | None, folder: Path) -> Path | None:
        if champion is None:
            return None
        folder.mkdir()
        return self._registry.download(champion, folder)


def identity_of(model: str, fingerprint: str, config: TrainingConfig, beside: str = "") -> str:
    """Return what makes two trainings the same: model, data and configuration (threads change no result).

    For a symbol's own model the panel's champion, which it is judged beside, is part of it.
    """
    told = f"{model}\n{fingerprint}\n{config.model_dump_json(exclude={'threads'})}\n{beside}"
    return hashlib.sha256(told.encode()).hexdigest()


def _parameters(panel: Panel | None, config: TrainingConfig) -> dict[str, object]:
    parameters: dict[str, object] = config.model_dump()
    if panel is not None:
        parameters |= {
            "data.symbols": len(panel),
            "data.rows": int(panel.lengths.sum()),
            "data.first_session": np.nanmin(panel.sessions),
            "data.last_session": panel.last_session.max(),
            "data.fingerprint": panel.fingerprint(),
        }
    return parameters
