"""Does with k8s/kafka what Strimzi's operators do: topics, and the rights of users."""

from typing import Any, Final

import yaml
from kafka import KafkaAdminClient
from kafka.admin import (
    ACL,
    ACLFilter,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    NewTopic,
    ResourcePattern,
    ResourcePatternFilter,
    ResourceType,
)

from closecast.kafka import KafkaSettings
from closecast_local.readiness import wait_until
from tests.support.kafka.jars import ROOT

_BASE: Final = ROOT / "k8s/kafka/base"
_ALL: Final = ACLFilter(
    principal=None,
    host=None,
    operation=ACLOperation.ANY,
    permission_type=ACLPermissionType.ANY,
    resource_pattern=ResourcePatternFilter(ResourceType.ANY, None, ACLResourcePatternType.ANY),
)
_TIMEOUT_S: Final = 30.0
_TYPES: Final = {
    "topic": ResourceType.TOPIC,
    "group": ResourceType.GROUP,
    "transactionalId": ResourceType.TRANSACTIONAL_ID,
}


def names_of_users() -> list[str]:
    """Return the names of the users."""
    return [user["metadata"]["name"] for user in _objects("users.yaml")]


def set_up(superuser: KafkaSettings) -> None:
    """Make the topics, and let the users do what they may."""
    topics = [
        NewTopic(
            topic["metadata"]["name"],
            topic["spec"]["partitions"],
            1,
            topic_configs={name: str(value) for name, value in topic["spec"]["config"].items()},
        )
        for topic in _objects("topics.yaml")
    ]
    rules = [
        ACL(
            f"User:{user['metadata']['name']}",
            "*",
            ACLOperation[operation.upper()],
            ACLPermissionType.ALLOW,
            ResourcePattern(_TYPES[rule["resource"]["type"]], rule["resource"]["name"]),
        )
        for user in _objects("users.yaml")
        for rule in user["spec"]["authorization"]["acls"]
        for operation in rule["operations"]
    ]
    admin = KafkaAdminClient(**superuser.client_options())
    try:
        admin.create_topics(topics, wait_for_metadata=True)
        admin.create_acls(rules)
        # The broker hears of them a moment after the controller has taken them.
        wait_until(lambda: len(admin.describe_acls(_ALL)[0]) == len(rules), "the users' rights", _TIMEOUT_S)
    finally:
        admin.close()


def _objects(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((_BASE / name).read_text()))
