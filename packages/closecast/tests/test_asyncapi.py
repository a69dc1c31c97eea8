from typing import Any

from closecast.asyncapi import asyncapi_document
from closecast.topics import Topics


def resolve(document: dict[str, Any], reference: str) -> object:
    found: Any = document
    for part in reference.removeprefix("#/").split("/"):
        found = found[part.replace("~1", "/")]
    return found


def references(node: object) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return own + [found for value in node.values() for found in references(value)]
    if isinstance(node, list):
        return [found for value in node for found in references(value)]
    return []


def test_every_topic_is_a_channel() -> None:
    assert set(asyncapi_document()["channels"]) == {topic.name for topic in Topics()}


def test_every_reference_leads_somewhere() -> None:
    document = asyncapi_document()
    found = references(document)
    assert found
    assert all(resolve(document, reference) for reference in found)


def test_the_kept_fields_of_a_quote_are_described() -> None:
    quote = asyncapi_document()["components"]["schemas"]["Quote"]
    assert {"symbol", "session", "close", "revision", "as_of"} <= set(quote["properties"])
