"""What each chart comes to with the least that it needs to be told; `make charts-docs` takes new snapshots."""

import os
from pathlib import Path

import pytest

from tests.charts.charts import NAMES, Charts

pytestmark = pytest.mark.charts
SNAPSHOTS = Path(__file__).parent / "snapshots"


@pytest.mark.parametrize("chart", NAMES)
def test_nothing_changes_unseen(charts: Charts, chart: str) -> None:
    rendered = charts.render_text(chart)

    snapshot = SNAPSHOTS / f"{chart}.yaml"
    if os.environ.get("CLOSECAST_UPDATE_SNAPSHOTS") == "1":
        snapshot.write_text(rendered)
    assert rendered == snapshot.read_text(), "if this is meant: make charts-docs"
