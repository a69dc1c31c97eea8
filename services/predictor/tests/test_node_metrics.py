import asyncio
import os
import subprocess
import sys
import urllib.request
from pathlib import Path

from closecast.ports import free_ports
from closecast.telemetry.metrics import MetricsSettings
from closecast_predictor import metrics
from closecast_predictor.node_metrics import NodeMetrics
from closecast_predictor.settings import PredictorSettings

RETRY_S = 0.05
TOLD = """
from prometheus_client import generate_latest
from closecast_predictor import metrics
print(generate_latest(metrics.node_registry()).decode())
"""


def scrape(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        return str(answer.read(), "utf-8")


def test_when_the_process_that_serves_them_ends_another_one_takes_over() -> None:
    [port] = free_ports(1)
    settings = PredictorSettings(metrics=MetricsSettings(port=port, host="127.0.0.1"))
    metrics.SNAPSHOTS.inc()

    async def scenario() -> None:
        first, second = NodeMetrics(settings, RETRY_S), NodeMetrics(settings, RETRY_S)
        await asyncio.sleep(RETRY_S)
        assert "closecast_predictor_snapshots_total" in await asyncio.to_thread(scrape, port)
        first.close()
        await second._serving
        assert "closecast_predictor_snapshots_total" in await asyncio.to_thread(scrape, port)
        second.close()

    asyncio.run(asyncio.wait_for(scenario(), 30))


def test_a_process_tells_of_itself_beside_the_numbers_of_all(tmp_path: Path) -> None:
    environment = os.environ | {metrics.MULTIPROC_DIR: str(tmp_path)}

    told = subprocess.run([sys.executable, "-c", TOLD], env=environment, capture_output=True, text=True, check=True)

    for name in ("process_cpu_seconds_total", "process_resident_memory_bytes", "python_gc_objects_collected_total"):
        assert f"\n{name}" in told.stdout, name
