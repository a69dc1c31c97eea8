"""Writes values.schema.json and README.md of the charts: `python charts/generate.py [FOLDER]`, FOLDER being charts/.

A schema is made from the chart's values.schema.yaml and the shapes of common/values.definitions.yaml, a README by
helm-docs from the comments in values.yaml.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

CHARTS = Path(__file__).parent
HELM_DOCS = CHARTS.parent / ".tools/bin/helm-docs"
_REFERENCE = "#/definitions/"


def schema_of(chart: Path) -> dict[str, Any]:
    """Return the schema of a chart's values, with the definitions that it uses."""
    shapes = yaml.safe_load((CHARTS / "common/values.definitions.yaml").read_text())
    own = yaml.safe_load((chart / "values.schema.yaml").read_text())
    used: dict[str, Any] = {}
    _collect(own, shapes, used)
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": f"Values of the chart {chart.name}",
        "type": "object",
        "additionalProperties": False,
        **own,
        "definitions": dict(sorted(used.items())),
    }


def _collect(part: Any, shapes: dict[str, Any], used: dict[str, Any]) -> None:
    if isinstance(part, dict):
        name = part.get("$ref", "").removeprefix(_REFERENCE)
        if name and name not in used:
            used[name] = shapes[name]
            _collect(shapes[name], shapes, used)
        for value in part.values():
            _collect(value, shapes, used)
    elif isinstance(part, list):
        for value in part:
            _collect(value, shapes, used)


def main() -> None:
    """Write all of them."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else CHARTS
    for source in sorted(folder.glob("*/values.schema.yaml")):
        schema = json.dumps(schema_of(source.parent), indent=2)
        (source.parent / "values.schema.json").write_text(f"{schema}\n")
    subprocess.run(  # noqa: S603 - a tool of ours
        [
            HELM_DOCS,
            "--chart-search-root",
            folder,
            "--sort-values-order=file",
            "--skip-version-footer",
            "--log-level=error",
        ],
        check=True,
    )


if __name__ == "__main__":
    main()
