"""The work of the forecaster: events in, forecasts and snapshots out. It knows nothing of Ray."""

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal
from uuid import uuid4

from kafka.errors import KafkaError

from closecast.events import BackfillEvent, BackfillRequest, Event, Forecast, ModelEvent, Quote, TrainingRequest
from closecast.kafka import BrokerUnavailableError
from closecast.telemetry.logs import get_logger
from closecast_predictor import metrics
from closecast_predictor.arrivals import Arrivals
from closecast_predictor.backfills import Backfill, BackfillDesk
from closecast_predictor.book import Book
from closecast_predictor.champion import ChampionLoader, LoadedModel, ModelCache
from closecast_predictor.feed import Feed
from closecast_predictor.inbox import Inbox, Work
from closecast_predictor.outbox import Outbox
from closecast_predictor.registry import Registry
from closecast_predictor.scoring import count
from closecast_predictor.settings import PredictorSettings
from closecast_predictor.snapshot import Model, Snapshot
from closecast_predictor.training import TrainingDesk

_POLL_S: Final = 1.0
_FIRST_CHAMPION_S: Final = 10.0
_BROKER_RETRY_S: Final = 2.0

_log = get_logger(__name__)

Share = Callable[[Snapshot, LoadedModel], None]
Phase = Literal["connecting to Kafka", "reading the quotes", "ready", "stopped"]


class NotReadyError(RuntimeError):
    """The engine is still reading what it needs to answer."""


@dataclass(frozen=True, slots=True)
class Status:
    """How far the engine is.

    Attributes:
        phase: What it is doing.
        symbols: Symbols that it knows quotes of.
        model: Name of the model that speaks.
        version: Version that speaks.
    """

    phase: Phase
    symbols: int
    model: str
    version: str


class Engine:
    """Keeps windows, model, forecasts and scores in one thread that only events wake.

    Args:
        settings: Of the predictor.
        cache: Where the last good model is kept.
        share: Given each new snapshot with the model that made it, in the engine's thread.
    """

    def __init__(self, settings: PredictorSettings, cache: ModelCache, share: Share) -> None:
        self.trainings = TrainingDesk(settings.kafka, Registry(settings.mlflow))
        self.backfills = BackfillDesk(settings.kafka)
        self._arrivals = Arrivals(self.backfills)
        self._settings = settings
        self._share = share
        self._inbox = Inbox(settings.coalesce_ms / 1000)
        self._book = Book(settings.sessions, settings.score_days)
        self._model = LoadedModel.base(settings.mlflow.model)
        self._champion_looked_up = threading.Event()
        self._loader = ChampionLoader(settings.mlflow, cache, self._inbox.put, self._champion_looked_up.set)
        self._feed: Feed | None = None
        self._token, self._snapshots = uuid4().hex[:8], 0
        self._phase: Phase = "connecting to Kafka"
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._run, name="forecaster", daemon=True)]

    @property
    def status(self) -> Status:
        """How far the engine is."""
        model = self._model.model
        return Status(self._phase, len(self._book), model.name, model.version)

    @property
    def model(self) -> Model:
        """The model that speaks."""
        return self._model.model

    @property
    def book(self) -> Book:
        """What it knows, for any thread to look up.

        Raises:
            NotReadyError: If the quotes have not been read yet.
        """
        self._require_ready()
        return self._book

    @property
    def lag(self) -> Mapping[str, int]:
        """Records still to be read, by topic."""
        return {} if self._feed is None else self._feed.lag

    def request_backfill(self, symbol: str) -> Backfill:
        """Have a symbol fetched, unless that is under way; any thread may ask.

        Raises:
            NotReadyError: If it is not known yet what was asked for before.
            KafkaError: If the request could not be delivered in time.
        """
        self._require_ready()
        return self.backfills.request(symbol)

    def _require_ready(self) -> None:
        if self._phase != "ready":
            raise NotReadyError(f"the forecaster is {self._phase}")

    @property
    def is_alive(self) -> bool:
        """Whether all its threads run, or it was told to stop."""
        return self._stopping.is_set() or all(thread.is_alive() for thread in self._threads)

    def start(self) -> None:
        """Begin to work."""
        self._loader.start()
        self._threads[0].start()

    def stop(self, timeout_s: float = 5.0) -> None:
        """End the work and let go of the connections."""
        self._stopping.set()
        self._loader.stop()
        self._inbox.close()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(timeout_s)
        self.trainings.close()
        self.backfills.close()
        self._phase = "stopped"

    def _run(self) -> None:
        feed = self._start_reading()
        self._champion_looked_up.wait(_FIRST_CHAMPION_S)
        first = self._inbox.gather(timeout_s=0.001)
        if feed is None or first is None:
            return
        self._speak(first.model or self._model)
        outbox = Outbox(self._settings.kafka)
        outbox.publish(self._renew(self._due(self._book.symbols), first.arrived))
        self._phase = "ready"
        self._follow(feed)
        while (work := self._inbox.gather(self._arrivals.timeout_s)) is not None:
            try:
                self._do(work, outbox)
            except Exception:  # noqa: BLE001 - logged; the last snapshot stands, an old answer beats none
                metrics.FAILURES.inc()
                _log.exception("forecasts not renewed")
        outbox.close()

    def _start_reading(self) -> Feed | None:
        """Read all that is on the topics, from the start again if Kafka fails on the way; None if told to stop."""
        while not self._stopping.is_set():
            self._phase = "connecting to Kafka"
            self._book = Book(self._settings.sessions, self._settings.score_days)
            feed: Feed | None = None
            try:
                feed = Feed(self._settings.kafka, self._settings.sessions, self._book.scored_since)
                self._phase = "reading the quotes"
                for event in feed.backlog():
                    self._book.recall(event)
                    self._note_request(event)
            except (BrokerUnavailableError, KafkaError, LookupError) as error:
                _log.warning("quotes not read yet, trying again", error=f"{type(error).__name__}: {error}")
                if feed is not None:
                    feed.close()
                self._stopping.wait(_BROKER_RETRY_S)
            else:
                return feed
        return None

    def _follow(self, feed: Feed) -> None:
        self._feed = feed

        def pump() -> None:
            while not self._stopping.is_set():
                if events := feed.poll(_POLL_S):
                    self._inbox.put(events)
            feed.close()

        thread = threading.Thread(target=pump, name="feed", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _do(self, work: Work, outbox: Outbox) -> None:
        quotes = [event for event in work.events if isinstance(event, Quote)]
        metrics.QUOTES.inc(len(quotes))
        changed, scores = self._book.take(quotes)
        for event in work.events:
            self._note_request(event)
            self._note_promotion(event)
        if work.model is not None:
            self._speak(work.model)
        due = self._due(changed if work.model is None else self._book.symbols)
        if work.model is not None or due:
            outbox.publish(self._renew(due, work.arrived))
        count(scores)

    def _due(self, changed: Iterable[str]) -> set[str]:
        return self._arrivals.due(changed, self._book.last_session)

    def _speak(self, loaded: LoadedModel) -> None:
        for model, value in ((self._model.model, 0), (loaded.model, 1)):
            metrics.MODEL_INFO.labels(model.name, model.version).set(value)
        self._model = loaded

    def _note_request(self, event: Event) -> None:
        if isinstance(event, TrainingRequest):
            self.trainings.asked(event)
        elif isinstance(event, ModelEvent):
            self.trainings.ended(event)
        elif isinstance(event, BackfillRequest):
            self.backfills.asked(event)
        elif isinstance(event, BackfillEvent):
            self.backfills.ended(event)

    def _note_promotion(self, event: Event) -> None:
        if isinstance(event, ModelEvent) and event.outcome == "promoted" and event.model == self._model.model.name:
            try:
                self._loader.promoted(event.version or "", event.run_id or "")
            except ValueError as error:
                _log.warning("promotion ignored", error=str(error))

    def _renew(self, symbols: Iterable[str], arrived: float) -> list[Forecast]:
        model = self._model.model
        new = self._book.forecast(model, symbols)
        self._snapshots += 1
        token = f"{self._token}-{self._snapshots}"
        answers = self._book.answers
        self._share(Snapshot(token, model.name, model.version, answers), self._model)
        metrics.SNAPSHOTS.inc()
        metrics.SNAPSHOT_DELAY.observe(time.perf_counter() - arrived)
        metrics.SYMBOLS.set(len(answers))
        return new
