"""The trainer's main loop: in the group, standing by or active."""

from threading import Event as Flag
from typing import Final

from kafka.errors import KafkaError

from closecast.kafka import ensure_topics
from closecast.telemetry.logs import get_logger
from closecast.telemetry.readiness import KAFKA, READINESS
from closecast_trainer.history import HistoryInUseError
from closecast_trainer.leader import Leader
from closecast_trainer.metrics import TrainerMetrics
from closecast_trainer.requests import RequestQueue
from closecast_trainer.settings import TrainerSettings

_WAIT_S: Final = 0.5
_log = get_logger(__name__)


class TrainerService:
    """One trainer process.

    Args:
        settings: How to run.
        metrics: What is measured.
    """

    def __init__(self, settings: TrainerSettings, metrics: TrainerMetrics) -> None:
        self._settings = settings
        self._metrics = metrics
        self._leader: Leader | None = None
        self._told_waiting = False
        self.abandoned_work = False

    def run(self, stop: Flag) -> None:
        """Work until told to stop.

        Afterwards `abandoned_work` tells whether a thread is left that would not end in time.

        Raises:
            BrokerUnavailableError: If no broker answers at the start.
            MissingTopicError: If a topic is missing that the trainer may not create.
            StoppedError: If it is told to stop before one does.
            TooManyInvalidRecordsError: If too large a share of the records is bad.
            FencedError: If another trainer took over without the group telling this one.
        """
        topics = self._settings.kafka.topics
        read = (topics.quotes, topics.training_requests)
        ensure_topics(self._settings.kafka, (*read, *(topic.dead_letters for topic in read), topics.models), stop)
        group = self._settings.group
        queue = RequestQueue(
            self._settings.kafka,
            group.id,
            session_timeout_s=group.session_timeout_s,
            max_poll_interval_s=group.max_poll_interval_s,
            on_lost=self._stand_down,
        )
        _log.info("joining the group; one trainer is active, the others stand by", group=group.id)
        try:
            while not stop.is_set():
                self._turn(queue)
        finally:
            self._stand_down()
            queue.close()

    def _turn(self, queue: RequestQueue) -> None:
        try:
            queue.poll(0.0 if self._leader else _WAIT_S)
            if queue.is_active and self._leader is None:
                self._lead(queue)
            if self._leader is not None:
                self._leader.step(_WAIT_S)
            READINESS.found(KAFKA)
        except KafkaError as error:
            READINESS.lost(KAFKA, repr(error))
            _log.warning("Kafka does not answer, starting over from what is stored", error=repr(error))
            self._stand_down()
            queue.put_back()
            queue.poll(_WAIT_S)

    def _lead(self, queue: RequestQueue) -> None:
        try:
            self._leader = Leader(self._settings, queue, self._metrics)
            self._told_waiting = False
        except HistoryInUseError as error:
            if not self._told_waiting:
                _log.warning("waiting for the history", reason=str(error))
                self._told_waiting = True
            queue.poll(_WAIT_S)

    def _stand_down(self) -> None:
        leader, self._leader = self._leader, None
        if leader is not None:
            _log.info("this trainer is no longer active")
            self.abandoned_work |= not leader.close()
