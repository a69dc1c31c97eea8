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
from closecast_predictor.alarms import DriftAlarms
from closecast_predictor.arrivals import Arrivals
from closecast_predictor.backfills import Backfill, BackfillDesk
from closecast_predictor.book import Book
from closecast_predictor.cache import LoadedModel, ModelCache
from closecast_predictor.catalog import Catalog
from closecast_predictor.champion import ChampionLoader
from closecast_predictor.feed import Feed
from closecast_predictor.inbox import Inbox, Work
from closecast_predictor.outbox import Outbox
from closecast_predictor.registry import Registry
from closecast_predictor.runs import TrainingRuns
from closecast_predictor.scoring import count
from closecast_predictor.settings import PredictorSettings
from closecast_predictor.snapshot import Lineup, Model, Snapshot
from closecast_predictor.speakers import Speakers
from closecast_predictor.training import TrainingDesk
from closecast_predictor.versions import Refusal, VersionDetails

_POLL_S: Final = 1.0
_FIRST_CHAMPION_S: Final = 10.0
_BROKER_RETRY_S: Final = 2.0

_log = get_logger(__name__)

Share = Callable[[Snapshot, Lineup[LoadedModel]], None]
Phase = Literal["connecting to Kafka", "reading the quotes", "ready", "stopped"]


class NotReadyError(RuntimeError):
    """The engine is still reading what it needs to answer."""


@dataclass(frozen=True, slots=True)
class Status:
    """How far the engine is.

    Attributes:
        phase: What it is doing.
        symbols: Symbols that it knows quotes of.
        model: Name of the panel's model.
        version: Version of it that speaks.
    """

    phase: Phase
    symbols: int
    model: str
    version: str


class Engine:
    """Keeps windows, models, forecasts and scores in one thread that only events wake.

    Args:
        settings: Of the predictor.
        cache: Where the last good models are kept.
        share: Given each new snapshot with the models that made it, in the engine's thread.
    """

    def __init__(self, settings: PredictorSettings, cache: ModelCache, share: Share) -> None:
        registry = Registry(settings.mlflow)
        self.trainings = TrainingDesk(settings.kafka, TrainingRuns(registry))
        self.backfills = BackfillDesk(settings.kafka)
        self._arrivals = Arrivals(self.backfills)
        self._alarms = DriftAlarms(settings.drift, settings.mlflow.names, self.trainings)
        self.catalog = Catalog(registry, lambda: self._speakers.versions)
        self._settings = settings
        self._share = share
        self._inbox = Inbox(settings.coalesce_ms / 1000)
        self._book = Book(settings.sessions, settings.score_days)
        self._speakers = Speakers(settings.mlflow.names)
        self._champion_looked_up = threading.Event()
        self._loader = ChampionLoader(settings.mlflow, cache, self._inbox.put, self._champion_looked_up.set)
        self._feed: Feed | None = None
        self._token, self._snapshots = uuid4().hex[:8], 0
        self._owed: set[str] = set()  # symbols whose forecast failed, and is made with the next
        self._unjudged: set[str] = set()  # symbols whose scores may have changed since drift was looked for
        self._phase: Phase = "connecting to Kafka"
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._run, name="forecaster", daemon=True)]

    @property
    def status(self) -> Status:
        """How far the engine is."""
        panel = self._speakers.lineup.panel.model
        return Status(self._phase, len(self._book), panel.name, panel.version)

    @property
    def model(self) -> Model:
        """The model that speaks for the panel."""
        return self._speakers.lineup.panel.model

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

    def promote(self, model: str, version: str) -> VersionDetails | Refusal:
        """Make a version the champion of its model, and tell every predictor; any thread may ask.

        Raises:
            RegistryUnavailableError: If MLflow does not answer.
            KafkaError: If MLflow has it but Kafka does not: it is to be asked for again.
        """
        promotion = self.catalog.promote(model, version)
        if isinstance(promotion, Refusal):
            return promotion
        self._loader.look(model)
        self.trainings.announce(promotion)
        return self.catalog.version(model, version)

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
        self._alarms.close()
        self.trainings.close()
        self.backfills.close()
        self._phase = "stopped"

    def _run(self) -> None:
        feed = self._start_reading()
        # A version may have been promoted after the first look, by an event that was read with the backlog.
        self._loader.look()
        self._champion_looked_up.wait(_FIRST_CHAMPION_S)
        first = self._inbox.gather(timeout_s=0.001)
        if feed is None or first is None:
            return
        self._speakers.change(first.models.values(), ())
        outbox = Outbox(self._settings.kafka)
        outbox.publish(self._renew(self._due(self._book.symbols), first.arrived))
        self._phase = "ready"
        self._follow(feed)
        self._unjudged |= set(self._book.symbols)
        self._look_for_drift()
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
        self._unjudged |= changed
        for event in work.events:
            self._note_request(event)
            self._note_promotion(event)
        changed |= self._speakers.change(work.models.values(), self._book.symbols)
        self._owed |= self._due(changed)
        if work.models or self._owed:
            new = self._renew(self._owed, work.arrived)
            self._owed = set()
            outbox.publish(new)
        count(scores)
        if work.models or self._unjudged:
            self._look_for_drift()

    def _look_for_drift(self) -> None:
        try:
            sessions = self._settings.drift.sessions
            changed = {symbol: self._book.latest_scores(symbol, sessions) for symbol in self._unjudged}
            self._alarms.look(changed, self._speakers.versions)
            self._unjudged = set()
        except Exception:  # noqa: BLE001 - logged; what is served does not depend on it
            metrics.FAILURES.inc()
            _log.exception("live forecasts not judged")

    def _due(self, changed: Iterable[str]) -> set[str]:
        return self._arrivals.due(changed, self._book.last_session)

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
        # A rejection may have retired a symbol's own champion.
        if isinstance(event, ModelEvent) and event.outcome != "failed":
            self._loader.look(event.model)

    def _renew(self, symbols: Iterable[str], arrived: float) -> list[Forecast]:
        lineup = self._speakers.lineup
        new = self._book.forecast(lineup.map(lambda loaded: loaded.model), symbols)
        self._snapshots += 1
        token = f"{self._token}-{self._snapshots}"
        answers = self._book.answers
        panel = lineup.panel.model
        self._share(Snapshot(token, panel.name, panel.version, answers), lineup)
        metrics.SNAPSHOTS.inc()
        metrics.SNAPSHOT_DELAY.observe(time.perf_counter() - arrived)
        metrics.SYMBOLS.set(len(answers))
        return new
