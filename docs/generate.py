"""Writes docs/asyncapi.json and docs/openapi.json from the code: `make docs`."""

import json
from pathlib import Path

from closecast.asyncapi import asyncapi_document
from closecast_predictor.api.app import openapi_document

DOCS = Path(__file__).parent


def documents() -> dict[str, str]:
    """Return the text of every generated document by its file name."""
    made = {"asyncapi.json": asyncapi_document(), "openapi.json": openapi_document()}
    return {name: json.dumps(document, indent=2, ensure_ascii=False) + "\n" for name, document in made.items()}


def main() -> None:
    """Write the documents beside this file."""
    for name, text in documents().items():
        (DOCS / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
