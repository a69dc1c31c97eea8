import shutil
import subprocess
from pathlib import Path

import pytest

from tests.charts.charts import CRDS, NAMES, ROOT, TOOLS, Charts
from tests.support.requirements import skip_or_fail


@pytest.fixture(scope="session")
def charts(tmp_path_factory: pytest.TempPathFactory) -> Charts:
    names = ("helm", "helm-docs", "kubectl-validate", "promtool", "kustomize", "docker-compose", "skaffold")
    tools = [TOOLS / name for name in names]
    missing = [tool.name for tool in (*tools, CRDS / ".fetched") if not tool.exists()]
    if missing:
        skip_or_fail(f"needs the charts' tools ({', '.join(missing)}): make charts-tools")
    folder = tmp_path_factory.mktemp("charts")
    shutil.copytree(ROOT / "charts", folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.tgz", "Chart.lock"))
    for name in NAMES:
        subprocess.run(
            [TOOLS / "helm", "dependency", "update", "--skip-refresh", folder / name], check=True, capture_output=True
        )
    return Charts(Path(folder))
