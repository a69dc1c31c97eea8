"""Strimzi's Kafka against the code: topics, users, rights."""

import pytest

from closecast.kafka import KafkaSettings
from closecast_ingestor.settings import IngestorSettings
from closecast_trainer.settings import GroupSettings
from tests.k8s.manifests import objects_in, objects_of

TOPICS = objects_in("kafka/base/topics.yaml")
USERS = objects_in("kafka/base/users.yaml")
OVERLAYS = ("kafka/laptop", "kafka/production")


def rules(kind: str) -> set[tuple[str, str]]:
    """Return who may do something with which resources of a kind."""
    return {
        (user["metadata"]["name"], rule["resource"]["name"])
        for user in USERS
        for rule in user["spec"]["authorization"]["acls"]
        if rule["resource"]["type"] == kind
    }


def test_the_topics_are_those_of_the_code() -> None:
    settings = KafkaSettings()

    declared = {
        topic.name: (1 if topic.single_partition else settings.partitions, topic.config) for topic in settings.topics
    }
    assert declared == {
        one["metadata"]["name"]: (
            one["spec"]["partitions"],
            {name: str(value) for name, value in one["spec"]["config"].items()},
        )
        for one in TOPICS
    }


def test_copies_are_said_once() -> None:
    assert not any("replicas" in one["spec"] for one in TOPICS)


def test_rights_are_of_topics_that_are_there_and_of_nothing_in_general() -> None:
    topics = {one["metadata"]["name"] for one in TOPICS}

    assert {name for _, name in rules("topic")} == topics
    for user in USERS:
        for rule in user["spec"]["authorization"]["acls"]:
            assert rule["resource"].get("patternType", "literal") == "literal"
            assert set(rule["operations"]) <= {"Read", "Write"}


def test_groups_and_transactions_are_those_of_the_services() -> None:
    ingestor = IngestorSettings(command="serve", source="sample")
    group = GroupSettings().id

    assert rules("group") == {("closecast-ingestor", ingestor.backfill_group), ("closecast-trainer", group)}
    assert rules("transactionalId") == {
        ("closecast-ingestor", ingestor.identity),
        ("closecast-ingestor", f"{ingestor.identity}-backfill"),  # of the chart's Job
        ("closecast-trainer", group),
    }


def test_everything_belongs_to_the_cluster() -> None:
    [kafka] = objects_in("kafka/base/kafka.yaml")

    for one in (*TOPICS, *USERS):
        assert one["metadata"]["labels"] == {"strimzi.io/cluster": kafka["metadata"]["name"]}


@pytest.mark.charts
@pytest.mark.usefixtures("charts")
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_there_are_brokers_for_all_copies(overlay: str) -> None:
    objects = objects_of(overlay)
    pools = [one for one in objects if one["kind"] == "KafkaNodePool"]
    [kafka] = [one for one in objects if one["kind"] == "Kafka"]

    brokers = sum(one["spec"]["replicas"] for one in pools if "broker" in one["spec"]["roles"])
    controllers = sum(one["spec"]["replicas"] for one in pools if "controller" in one["spec"]["roles"])
    config = kafka["spec"]["kafka"]["config"]
    assert controllers % 2 == 1
    for topic in ("default", "offsets.topic", "transaction.state.log"):
        assert config[f"{topic}.replication.factor"] <= brokers
    for least in ("min.insync.replicas", "transaction.state.log.min.isr"):
        assert config[least] == max(1, config["default.replication.factor"] - 1), "one broker may be away"
    for pool in pools:
        for spread in pool["spec"].get("template", {}).get("pod", {}).get("topologySpreadConstraints", []):
            assert spread["labelSelector"]["matchLabels"]["strimzi.io/pool-name"] == pool["metadata"]["name"]


@pytest.mark.charts
@pytest.mark.usefixtures("charts")
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_whoever_connects_has_to_say_who(overlay: str) -> None:
    [kafka] = [one for one in objects_of(overlay) if one["kind"] == "Kafka"]

    [listener] = kafka["spec"]["kafka"]["listeners"]
    assert listener["tls"] is True
    assert listener["authentication"] == {"type": "scram-sha-512"}
    assert kafka["spec"]["kafka"]["authorization"] == {"type": "simple"}
    assert kafka["spec"]["kafka"]["config"]["auto.create.topics.enable"] is False
    assert {user["spec"]["authentication"]["type"] for user in USERS} == {listener["authentication"]["type"]}
