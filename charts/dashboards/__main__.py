"""Writes the dashboards: one file each, named by its uid."""

import sys
from pathlib import Path

from charts.dashboards import http, infrastructure, model, pipeline, serve
from grafana_foundation_sdk.cog.encoder import JSONEncoder

FOLDER = Path(__file__).parents[1] / "closecast/files/dashboards"


def main() -> None:
    """Write all of them."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for module in (http, infrastructure, model, pipeline, serve):
        dashboard = module.dashboard().build()
        text = JSONEncoder(sort_keys=True, indent=1).encode(dashboard)
        (folder / f"{dashboard.uid}.json").write_text(f"{text}\n")


if __name__ == "__main__":
    main()
