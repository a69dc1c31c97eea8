"""README.md and values.schema.json of the charts are made from values.yaml and values.schema.yaml."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.charts.charts import NAMES, ROOT, Charts

pytestmark = pytest.mark.charts


@pytest.fixture(scope="module")
def fresh(charts: Charts, tmp_path_factory: pytest.TempPathFactory) -> Path:  # noqa: ARG001 - it looks for the tools
    folder = tmp_path_factory.mktemp("documents") / "charts"
    shutil.copytree(ROOT / "charts", folder, ignore=shutil.ignore_patterns("*.tgz", "Chart.lock", "README.md"))
    subprocess.run([sys.executable, ROOT / "charts/generate.py", folder], check=True)
    return folder


@pytest.mark.parametrize("chart", NAMES)
@pytest.mark.parametrize("document", ["README.md", "values.schema.json"])
def test_they_are_up_to_date(fresh: Path, chart: str, document: str) -> None:
    kept = (ROOT / "charts" / chart / document).read_text()

    assert kept == (fresh / chart / document).read_text(), "stale: make charts-docs"


@pytest.mark.parametrize("chart", NAMES)
def test_every_value_is_explained(chart: str) -> None:
    rows = re.findall(r"^\| (\S+) \| .* \| (.*) \|$", (ROOT / "charts" / chart / "README.md").read_text(), re.MULTILINE)

    explained = [name for name, description in rows if name != "Key" and not name.startswith("file:")]
    assert len(explained) > 20
    unexplained = {name for name, description in rows if not description.strip()}
    assert {name for name in unexplained if not re.search(r"esources\.|\.enabled$", name)} == set()


@pytest.mark.parametrize("chart", NAMES)
def test_the_schema_knows_every_value(chart: str) -> None:
    folder = ROOT / "charts" / chart
    schema = json.loads((folder / "values.schema.json").read_text())

    assert schema["additionalProperties"] is False
    unknown = list(_unknown(yaml.safe_load((folder / "values.yaml").read_text()), schema, schema, ""))
    assert unknown == []


def _unknown(values: dict[str, Any], schema: dict[str, Any], root: dict[str, Any], path: str) -> list[str]:
    if "$ref" in schema:
        schema = root["definitions"][schema["$ref"].rpartition("/")[2]]
    properties = schema.get("properties")
    if properties is None:
        return []
    found = []
    for name, value in values.items():
        if name not in properties:
            found.append(f"{path}{name}")
        elif isinstance(value, dict):
            found += _unknown(value, properties[name], root, f"{path}{name}.")
    return found


def test_every_named_template_is_told_of() -> None:
    library = ROOT / "charts/common"
    defined = {
        name for path in library.glob("templates/*.tpl") for name in re.findall(r'define "([^"]+)"', path.read_text())
    }

    told = set(re.findall(r"^\| `([^`]+)` \|", (library / "README.md").read_text(), re.MULTILINE))
    assert told == defined
