"""The documents in docs/ are those that the code makes."""

import runpy
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("name", ["asyncapi.json", "openapi.json"])
def test_the_document_is_up_to_date(name: str) -> None:
    made = runpy.run_path(str(DOCS / "generate.py"))["documents"]()
    assert (DOCS / name).read_text(encoding="utf-8") == made[name], f"docs/{name} is stale: run `make docs`"
