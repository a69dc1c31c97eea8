"""Waiting for the brokers, and creating the topics."""

import threading
import time
from collections.abc import Iterable
from typing import Final

from kafka import KafkaAdminClient
from kafka.admin import NewTopic
from kafka.errors import (
    ClusterAuthorizationFailedError,
    KafkaError,
    TopicAlreadyExistsError,
    TopicAuthorizationFailedError,
)

from closecast.kafka.errors import BrokerUnavailableError, MissingTopicError, StoppedError
from closecast.kafka.refusals import hearing_refusals
from closecast.kafka.settings import KafkaSettings
from closecast.telemetry.logs import get_logger
from closecast.telemetry.readiness import KAFKA, READINESS
from closecast.topics import Topic

_RETRY_S: Final = 0.5
_ATTEMPT_MS: Final = 2000
_log = get_logger(__name__)


def ensure_topics(settings: KafkaSettings, topics: Iterable[Topic], stop: threading.Event | None = None) -> None:
    """Wait for the brokers, then create the topics that are missing; those that exist stay as they are.

    Args:
        settings: How to reach Kafka.
        topics: That are to be there.
        stop: Ends the wait when it is set.

    Raises:
        BrokerUnavailableError: If no broker answers within ``connect_timeout_s``, or none lets this process in.
        MissingTopicError: If a topic is missing that this user may not create.
        StoppedError: If `stop` is set before one does.
    """
    admin = connect_admin(settings, stop)
    try:
        present = set(admin.list_topics())
        for topic in topics:
            if topic.name not in present:
                _create(admin, settings, topic)
    finally:
        admin.close()


def connect_admin(settings: KafkaSettings, stop: threading.Event | None = None) -> KafkaAdminClient:
    """Return an admin client as soon as a broker answers.

    Raises:
        BrokerUnavailableError: If none does within ``connect_timeout_s``, or none lets this process in; it says why.
        StoppedError: If `stop` is set before one does.
    """
    deadline = time.monotonic() + settings.connect_timeout_s
    READINESS.lost(KAFKA, f"no answer yet from {settings.bootstrap_servers}")
    with hearing_refusals(settings) as refusals:
        while True:
            try:
                admin = KafkaAdminClient(
                    **settings.client_options(), client_id="closecast-admin", bootstrap_timeout_ms=_ATTEMPT_MS
                )
            except (KafkaError, OSError) as error:
                reason = refusals.last or f"no broker answers at {settings.bootstrap_servers}"
                if reason != READINESS.missing.get(KAFKA):
                    READINESS.lost(KAFKA, reason)
                    _log.warning("waiting for Kafka", bootstrap_servers=settings.bootstrap_servers, reason=reason)
                if time.monotonic() >= deadline:
                    raise BrokerUnavailableError(_last_words(settings, refusals.last)) from error
                if stop is None:
                    time.sleep(_RETRY_S)
                elif stop.wait(_RETRY_S):
                    raise StoppedError(f"stopped while waiting for Kafka: {reason}") from error
            else:
                READINESS.found(KAFKA)
                return admin


def _last_words(settings: KafkaSettings, refusal: str | None) -> str:
    waited = f"after {settings.connect_timeout_s:g} s"
    if refusal is not None:
        return f"no way to Kafka {waited}: {refusal}"
    return (
        f"no Kafka broker answers at {settings.bootstrap_servers} {waited}; "
        "start one, or set CLOSECAST_KAFKA_BOOTSTRAP_SERVERS"
    )


def _create(admin: KafkaAdminClient, settings: KafkaSettings, topic: Topic) -> None:
    partitions = 1 if topic.single_partition else settings.partitions
    new = NewTopic(topic.name, partitions, settings.replication_factor, topic_configs=topic.config)
    try:
        admin.create_topics([new], wait_for_metadata=True)
    except TopicAlreadyExistsError:
        return
    except (TopicAuthorizationFailedError, ClusterAuthorizationFailedError) as error:
        msg = (
            f"topic {topic.name} is not there, or this user may not see it, nor make it: "
            "create it, and let the user read or write it"
        )
        raise MissingTopicError(msg) from error
    _log.info("topic created", topic=topic.name, partitions=partitions)
