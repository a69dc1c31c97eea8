"""The system under load while replicas come, go and die: `make load`.

Installs the umbrella chart in a namespace of its own, loads it through the ingress with Locust at constant rates, and
writes what became of the requests to benchmarks/results/load.json and docs/load.svg. Only loopback addresses are
loaded.
"""

import ipaddress
import logging
import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from urllib.parse import urlsplit

from benchmarks.report import Figures, Target, report

from tests.load.phases import Phase, Request, begins, result
from tests.load.picture import draw
from tests.load.replicas import Watch
from tests.support.cluster import Namespace
from tests.support.release import HOST, INGRESS, Release, eventually

HERE: Final = Path(__file__).parent
PICTURE: Final = HERE.parents[1] / "docs/load.svg"
REQUESTS_A_USER: Final = 2
_TRAINER: Final = "app.kubernetes.io/name=trainer"
_log: Final = logging.getLogger("load")


def promote_another_version(release: Release) -> None:
    """Make a version the champion that is not."""
    versions = release.get("/models").raise_for_status().json()["models"]
    other = next(one for one in versions if "champion" not in one["aliases"])
    release.post(f"/models/{other['version']}/promote", {"model": other["model"]}).raise_for_status()


def kill_a_replica(release: Release) -> None:
    """End the process of a replica that answers requests, without a word."""
    worker = release.workers_with("Api")[0]
    (process,) = release.replicas_on(worker, "Api")
    release.kubectl("exec", worker, "--container=ray-worker", "--", "sh", "-c", f"kill -9 {process}")


def upgrade(release: Release) -> None:
    """Change a setting, for which a second cluster takes the place of the first."""
    release.install(predictor__config={"CLOSECAST_PREDICTOR_MAX_HISTORY": "3000"})


PHASES: Final = (
    Phase("one replica", 40, 10),
    Phase("a load that needs more", 120, 60),
    Phase("another champion", 40, 60, promote_another_version),
    Phase("a replica is killed", 60, 60, kill_a_replica),
    Phase("an upgrade", 150, 30, upgrade),
    Phase("little load again", 210, 5),
)


def main() -> int:
    """Run the load, report, and return 0 if no request failed."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    if not ipaddress.ip_address(urlsplit(INGRESS).hostname or "").is_loopback:
        raise SystemExit(f"INGRESS: only loopback addresses are loaded, not {INGRESS}")
    with Namespace("closecast-load") as namespace, TemporaryDirectory(prefix="closecast-load-") as folder:
        release = Release(namespace, HERE / "values.yaml")
        release.install()
        _prepare(release)
        requests, started, watch = _load(release, Path(folder) / "requests.csv")
        woken = _wake_the_trainer(release)
        release.helm("uninstall", "closecast", "--wait")
    return _report(requests, started, watch, woken)


def _prepare(release: Release) -> None:
    """Wait for forecasts, and for two versions to choose from."""
    eventually(lambda: release.answers("/forecast/AAPL"), "forecasts")
    eventually(lambda: release.get("/models").json()["models"], "a version", 600)
    symbols = [one["symbol"] for one in release.get("/symbols").json()["symbols"]]
    release.post("/train", {"symbols": symbols, "epochs": 1}).raise_for_status()
    eventually(lambda: len(release.get("/models").json()["models"]) > 1, "a second version", 600)


def _load(release: Release, file: Path) -> tuple[list[Request], float, Watch]:
    """Run all phases, and return the requests, when the first phase began, and what the watch saw."""
    environment = os.environ | {
        "REQUESTS": str(file),
        "HOST": HOST,
        "REQUESTS_A_USER": str(REQUESTS_A_USER),
        "STEPS": ",".join(f"{phase.seconds}:{phase.users}" for phase in PHASES),
    }
    command = [sys.executable, "-m", "locust", "--headless", "--host", INGRESS, "--only-summary", "--locustfile"]
    with Watch(release) as watch:
        locust = subprocess.Popen([*command, str(HERE / "locustfile.py")], env=environment)
        try:
            eventually(lambda: file.exists() and file.stat().st_size, "the first answer")
            started = time.time()
            for phase, begin in zip(PHASES, begins(PHASES, started), strict=False):
                time.sleep(max(0.0, begin - time.time()))
                _log.info("%s: %d requests a second", phase.name, REQUESTS_A_USER * phase.users)
                if phase.begin is not None:
                    phase.begin(release)
            locust.wait(PHASES[-1].seconds + 60)
        finally:
            locust.kill()
    return Request.all_in(file), started, watch


def _wake_the_trainer(release: Release) -> dict[str, float]:
    """Publish a quote while the trainer sleeps, and return after how many seconds it was there, and gone again."""

    def trainers() -> list[dict[str, Any]]:
        return release.objects("pods", _TRAINER)

    eventually(lambda: not trainers(), "a trainer that sleeps", 600)
    release.publish_next_session("AAPL", 1.01)
    began = time.monotonic()
    eventually(lambda: any(one["status"]["phase"] == "Running" for one in trainers()), "a trainer that runs")
    there = time.monotonic() - began
    eventually(lambda: not trainers(), "a trainer that sleeps again", 900)
    return {"runs after s": there, "sleeps after s": time.monotonic() - began}


def _report(requests: list[Request], started: float, watch: Watch, woken: dict[str, float]) -> int:
    at = begins(PHASES, started)
    rows: dict[str, Figures] = {}
    for phase, start, end in zip(PHASES, at, at[1:], strict=False):
        seen = result(requests, start, end)
        replicas = [len(look.answering) for look in watch.looks if start <= look.at < end]
        rows[phase.name] = {
            "requests/s": seen.rps,
            "p50 ms": seen.p50_ms,
            "p95 ms": seen.p95_ms,
            "p99 ms": seen.p99_ms,
            "failures": seen.failures,
            "replicas": max(replicas, default=0),
        }
    rows["first new replica under load"] = {"answers after s": watch.first_new(at[1])}
    rows["trainer, from a published quote"] = woken
    failures = [one for one in requests if one.failure]
    for one in failures[:20]:
        _log.warning("%.1f s after the begin: %s", one.at - started, one.failure)
    draw(PICTURE, PHASES, started, requests, watch.looks)
    targets = [
        Target("failed requests", float(len(failures)), 0.0, at_least=False),
        Target("most replicas", float(max(len(look.answering) for look in watch.looks)), 2.0),
        Target("replicas at the end", float(len(watch.looks[-1].answering)), 1.0, at_least=False),
    ]
    return 0 if report("load", f"{len(requests)} requests through the ingress", rows, targets) else 1


if __name__ == "__main__":
    sys.exit(main())
