"""The active trainer: feeds the history, answers training requests, and calls for training when the data do."""

import time
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from threading import Event as Flag
from typing import Final

from kafka import TopicPartition
from structlog.contextvars import bound_contextvars

from closecast.events import InvalidEventError, TrainingRequest
from closecast.kafka import InvalidRecordPolicy, TransactionalPublisher
from closecast.telemetry.logs import get_logger
from closecast_trainer.history import History
from closecast_trainer.jobs import Answer, TrainingJob
from closecast_trainer.metrics import TrainerMetrics
from closecast_trainer.policy import RetrainingPolicy
from closecast_trainer.quotes import QuoteFeed, dead_letter_of
from closecast_trainer.registry import Registry, TrainingCancelledError
from closecast_trainer.requests import RequestQueue
from closecast_trainer.settings import TrainerSettings

STOP_TIMEOUT_S: Final = 12.0
_CHECK_S: Final = 60.0
_BUSY_CHECK_S: Final = 0.5
_log = get_logger(__name__)


class Leader:
    """Everything that only one trainer may do; made when this one becomes active, closed when it no longer is.

    Args:
        settings: Of the trainer.
        queue: The requests, which this instance holds.
        metrics: What is measured.

    Raises:
        HistoryInUseError: If another process on this machine still has the history open.
        KafkaError: If the brokers do not answer.
    """

    def __init__(self, settings: TrainerSettings, queue: RequestQueue, metrics: TrainerMetrics) -> None:
        self._queue = queue
        self._metrics = metrics
        self._topics = settings.kafka.topics
        self._metrics.dead_letters.labels(self._topics.training_requests.name)
        self._quiet_s = settings.policy.quiet_s
        self._invalid_requests = InvalidRecordPolicy(settings.invalid_records)
        self._cancelled = Flag()
        self._check_at = 0.0
        self._training: Future[Answer] | None = None
        self._awaited: dict[TopicPartition, int] | None = None
        with ExitStack() as opened:
            self._history = History(settings.state_dir)
            opened.callback(self._history.close)
            self._publisher = TransactionalPublisher(settings.kafka, settings.group.id, settings.group.id)
            opened.callback(self._publisher.close)
            self._feed = QuoteFeed(
                settings.kafka,
                client_id=f"{settings.group.id}-quotes",
                history=self._history,
                publisher=self._publisher,
                limits=settings.invalid_records,
                metrics=metrics,
            )
            opened.callback(self._feed.close)
            self._executor = ThreadPoolExecutor(1, thread_name_prefix="training")
            self._job = TrainingJob(
                settings,
                self._history,
                Registry(settings.mlflow, self._cancelled, metrics),
                metrics=metrics,
                cancelled=self._cancelled,
            )
            self._policy = RetrainingPolicy(settings.policy, self._history, settings.mlflow.model)
            self._opened = opened.pop_all()
        # A trainer that died between storing quotes and committing left the group behind its history.
        queue.commit_quotes(self._topics.quotes.name, self._feed.offsets)
        metrics.leader.set(1)
        _log.info("this trainer is active", quotes=self._history.count_quotes())

    def step(self, timeout_s: float) -> None:
        """Do what there is to do now, waiting up to `timeout_s` for quotes.

        Raises:
            TooManyInvalidRecordsError: If too large a share of the records is bad.
            FencedError: If another trainer has taken over.
            KafkaError: If the brokers do not answer.
        """
        offsets = self._feed.poll(timeout_s)
        if offsets:
            self._queue.commit_quotes(self._topics.quotes.name, offsets)
            self._metrics.up_to_date.set(0)
            self._check_at = 0.0
        if self._training is not None:
            if self._training.done():
                self._finish(self._training)
        elif self._queue.in_hand is not None:
            if self._has_read_what_preceded():
                self._begin()
        else:
            self._consider_training()

    def close(self) -> bool:
        """Stop the training if one runs, and let go of everything.

        Returns:
            False if the training has not ended in time, because MLflow does not answer it; it can do nothing more.
        """
        self._cancelled.set()
        ended = True
        if self._training is not None:
            _log.info("abandoning the training; its request stays uncommitted and will come again")
            ended = bool(wait([self._training], STOP_TIMEOUT_S).done)
        self._executor.shutdown(wait=False)
        self._opened.close()
        self._metrics.leader.set(0)
        self._metrics.up_to_date.set(0)
        return ended

    def _has_read_what_preceded(self) -> bool:
        """Tell whether all quotes are stored that were there when the request came in hand.

        A trainer that starts finds requests beside years of quotes, and must not train on the first of them.
        """
        if self._awaited is None:
            self._awaited = self._feed.ends()
        if not self._feed.has_reached(self._awaited):
            return False
        self._awaited = None
        return True

    def _begin(self) -> None:
        """Start on the request in hand; a record that is none goes to the dead letters."""
        record = self._queue.in_hand
        assert record is not None  # noqa: S101 - the caller looked
        try:
            request = TrainingRequest.from_bytes(record.value)
        except InvalidEventError as error:
            letter = dead_letter_of(record, error)
            _log.warning("training request refused", offset=record.offset, error=letter.error)
            self._invalid_requests.invalid(letter.error)
            with self._publisher.transaction():
                self._publisher.dead_letter(self._topics.training_requests, letter)
            self._metrics.dead_letters.labels(record.topic).inc()
            self._queue.done()
            return
        self._invalid_requests.valid()
        self._training = self._executor.submit(self._job.run, request)

    def _finish(self, training: Future[Answer]) -> None:
        """Tell the outcome; the offset of the request is committed last."""
        self._training = None
        try:
            answer = training.result()
        except TrainingCancelledError:
            return
        event = answer.event
        with bound_contextvars(request_id=str(event.request_id)):
            with self._publisher.transaction():
                self._publisher.send(self._topics.models, event)
            self._history.record_training(event.request_id, answer.training, whole_universe=answer.whole_universe)
            self._queue.done()
            _log.info(
                "training request answered",
                model=event.model,
                outcome=event.outcome,
                version=event.version,
                reason=event.reason,
                work=answer.work,
            )
        self._metrics.trainings.labels(event.outcome, answer.work).inc()
        self._check_at = 0.0

    def _consider_training(self) -> None:
        """Publish a request if the data call for it: once all is read, and no quote has come for a while."""
        now = time.monotonic()
        if now < max(self._check_at, self._feed.last_arrival + self._quiet_s):
            return
        if self._feed.lag() or not self._queue.is_drained():
            self._check_at = now + _BUSY_CHECK_S
            return
        self._check_at = now + _CHECK_S
        request = self._policy.due()
        self._metrics.up_to_date.set(request is None)
        if request is None:
            return
        with self._publisher.transaction():
            self._publisher.send(self._topics.training_requests, request)
        _log.info("the data call for a training", request_id=str(request.id), reason=request.reason)
