"""The AsyncAPI document of the topics, generated from their code."""

from typing import Any, Final

from pydantic.json_schema import models_json_schema

from closecast.events import SCHEMA_VERSION, DeadLetter, Event
from closecast.topics import Topic, Topics

ASYNCAPI_VERSION: Final = "3.0.0"
_PARTICIPANTS: Final = {
    # service: (sends to, receives from), by the last part of the topic's name
    "ingestor": (("quotes", "backfills"), ("quotes", "backfill-requests", "backfills")),
    "trainer": (("models", "training-requests"), ("quotes", "training-requests")),
    "predictor": (
        ("forecasts", "training-requests", "models", "backfill-requests"),
        ("quotes", "models", "training-requests", "forecasts", "backfill-requests", "backfills"),
    ),
}


def asyncapi_document() -> dict[str, Any]:
    """Return the AsyncAPI 3 document of every topic under the default prefix."""
    topics = {topic.name: topic for topic in Topics()}
    events = [topic.event for topic in topics.values() if topic.event is not None]
    _, schemas = models_json_schema(
        [(event, "serialization") for event in events], ref_template="#/components/schemas/{model}"
    )
    return {
        "asyncapi": ASYNCAPI_VERSION,
        "info": {
            "title": "Closecast events",
            "version": SCHEMA_VERSION,
            "description": "What the services of Closecast say to each other over Kafka.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {name: _channel(topic) for name, topic in topics.items()},
        "operations": _operations(topics),
        "components": {
            "messages": {
                **{event.__name__: _message(event) for event in events},
                DeadLetter.__name__: _dead_letter_message(),
            },
            "schemas": schemas["$defs"],
        },
    }


def _channel(topic: Topic) -> dict[str, Any]:
    message = DeadLetter.__name__ if topic.event is None else topic.event.__name__
    return {
        "address": topic.name,
        "description": topic.description,
        "messages": {message: {"$ref": f"#/components/messages/{message}"}},
        "bindings": {
            "kafka": {
                "topic": topic.name,
                **({"partitions": 1} if topic.single_partition else {}),
                "topicConfiguration": {
                    "cleanup.policy": topic.config["cleanup.policy"].split(","),
                    **({"retention.ms": int(topic.config["retention.ms"])} if "retention.ms" in topic.config else {}),
                },
                "bindingVersion": "0.5.0",
            }
        },
        "x-key": topic.key,
    }


def _message(event: type[Event]) -> dict[str, Any]:
    return {
        "name": event.__name__,
        "summary": (event.__doc__ or "").partition("\n")[0],
        "contentType": "application/json",
        "payload": {"$ref": f"#/components/schemas/{event.__name__}"},
        "examples": [{"name": event.__name__, "payload": event.example}],
    }


def _dead_letter_message() -> dict[str, Any]:
    headers = ("source-topic", "partition", "offset", "error", "time")
    return {
        "name": DeadLetter.__name__,
        "summary": (DeadLetter.__doc__ or "").partition("\n")[0],
        "contentType": "application/octet-stream",
        "headers": {
            "type": "object",
            "properties": {name: {"type": "string"} for name in headers},
            "required": ["source-topic", "error", "time"],
        },
        "payload": {"description": "The original bytes."},
    }


def _operations(topics: dict[str, Topic]) -> dict[str, Any]:
    prefix = next(iter(topics)).removesuffix("quotes")
    operations = {}
    for service, (sent, received) in _PARTICIPANTS.items():
        for action, names in (("send", sent), ("receive", received)):
            for name in names:
                operations[f"{service}.{action}.{name}"] = {
                    "action": action,
                    "channel": {"$ref": f"#/channels/{prefix}{name}"},
                    "summary": f"The {service} {action}s {name}.",
                }
    return operations
