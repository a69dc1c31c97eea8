"""Alarms for versions that drift, and the one training that each of them asks for."""

import queue
import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Final, Protocol
from uuid import UUID, uuid5

from closecast.events import BASE_VERSION, TrainingRequest
from closecast.model_names import ModelNames
from closecast.telemetry.logs import get_logger
from closecast_predictor import metrics
from closecast_predictor.drift import DRIFT_KINDS, DriftKind, DriftMonitor, DriftSettings, Judgement
from closecast_predictor.scoring import Score

_NAMESPACE: Final = UUID("b5f5a6d2-6c0f-4c58-8d0e-3d3f3f6a9e57")
_RETRY_S: Final = 10.0
_NOTHING: Final[frozenset[DriftKind]] = frozenset()

_log = get_logger(__name__)


class Desk(Protocol):
    """Where trainings are asked for."""

    def knows(self, request_id: UUID) -> bool:
        """Tell whether a request has been made, by whomever."""

    def request(self, request: TrainingRequest) -> None:
        """Publish a request and return once Kafka has it; raises an error if that fails."""


def request_for(model: str, version: str, symbol: str | None) -> TrainingRequest:
    """Return the training that a version asks for when it drifts: always the same one, whoever asks and how often."""
    return TrainingRequest(
        id=uuid5(_NAMESPACE, f"{model}|{version}"),
        model=model,
        symbols=() if symbol is None else (symbol,),
        reason="drift",
    )


class DriftAlarms:
    """Raises an alarm for as long as the version that speaks drifts, and asks for a training in its place once.

    The base is not retrained: nothing of it has been fitted, and the trainer looks for a version that beats it anyway.

    Args:
        settings: When a version drifts.
        names: Which models there may be.
        desk: Where trainings are asked for.
        retry_s: How long to wait before a request that Kafka did not take is sent again.
    """

    def __init__(self, settings: DriftSettings, names: ModelNames, desk: Desk, retry_s: float = _RETRY_S) -> None:
        self._settings = settings
        self._names = names
        self._monitor = DriftMonitor(settings)
        self._requests = _PatientRequests(desk, retry_s)
        self._raised: dict[str, tuple[str, frozenset[DriftKind]]] = {}
        _show(names.panel, _NOTHING)

    def look(self, changed: Mapping[str, Sequence[Score]], versions: Mapping[str, str]) -> None:
        """Judge the versions that speak.

        Args:
            changed: The latest scores, one session ahead, of each symbol whose quotes have changed since the last look.
            versions: The version of each model that speaks, by name.
        """
        for symbol, scores in changed.items():
            self._monitor.note(symbol, scores)
        for model in self._raised.keys() - versions.keys():
            self._clear(model)
        for model, version in versions.items():
            self._tell(model, version, self._monitor.judge(model, version, self._names.symbol_of(model)))

    def close(self) -> None:
        """Ask for nothing more, and leave no alarm behind: who takes over judges anew, and asks for what is owed."""
        self._requests.close()
        for model in list(self._raised):
            self._clear(model)

    def _tell(self, model: str, version: str, judgement: Judgement | None) -> None:
        drifts = _NOTHING if judgement is None else judgement.drifts
        of_version, before = self._raised.get(model, (version, _NOTHING))
        known = before if of_version == version else _NOTHING
        self._raised[model] = version, drifts
        _show(model, drifts)
        if judgement is None:
            return
        figures = asdict(judgement) | {"drifts": sorted(drifts)}
        if drifts - known:
            _log.warning("live forecasts drift", model=model, version=version, **figures)
        elif known and not drifts:
            _log.info("live forecasts no longer drift", model=model, version=version, **figures)
        if drifts and version != BASE_VERSION and self._settings.request_training:
            self._requests.ask(request_for(model, version, self._names.symbol_of(model)))

    def _clear(self, model: str) -> None:
        del self._raised[model]
        _show(model, _NOTHING)


def _show(model: str, drifts: frozenset[DriftKind]) -> None:
    for kind in DRIFT_KINDS:
        metrics.DRIFT.labels(model, kind).set(kind in drifts)


class _PatientRequests:
    """Sends requests from a thread of its own until Kafka has them: who asks has forecasts to make."""

    def __init__(self, desk: Desk, retry_s: float) -> None:
        self._desk = desk
        self._retry_s = retry_s
        self._asked: dict[str, UUID] = {}
        self._queue: queue.SimpleQueue[TrainingRequest | None] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def ask(self, request: TrainingRequest) -> None:
        """Have a request sent, unless it has been made before, here or by another."""
        if self._asked.get(request.model) == request.id or self._desk.knows(request.id):
            return
        self._asked[request.model] = request.id
        self._queue.put(request)
        if self._thread is None:
            self._thread = threading.Thread(target=self._send_all, name="drift", daemon=True)
            self._thread.start()

    def close(self) -> None:
        self._stopping.set()
        self._queue.put(None)

    def _send_all(self) -> None:
        while (request := self._queue.get()) is not None:
            self._send(request)

    def _send(self, request: TrainingRequest) -> None:
        # Another predictor sees the same closes: its request may have been read meanwhile.
        while not self._stopping.is_set() and not self._desk.knows(request.id):
            try:
                self._desk.request(request)
                _log.info("training asked for", request_id=str(request.id), model=request.model)
            except Exception as error:  # noqa: BLE001 - whatever it is, the request is still owed
                _log.warning("training not asked for yet", model=request.model, error=repr(error))
                self._stopping.wait(self._retry_s)
