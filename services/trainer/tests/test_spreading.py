"""A training whose LSTMs are taught on a real Ray cluster of this machine."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import ray
import torch
from services.trainer.tests.assignments import assignment_of
from services.trainer.tests.panels import QUICK, make_panel

from closecast.ports import free_ports
from closecast_trainer.config import Epoch
from closecast_trainer.ray_cluster import RAY_ADDRESS, RayUnavailableError
from closecast_trainer.spreading import spread_over_ray, spreading
from closecast_trainer.training import TrainingResult, train
from closecast_trainer.worker import Judged, Progress, Stage, run_worker

pytestmark = pytest.mark.slow

PANEL = make_panel(symbols=4, sessions=800)
CONFIG = QUICK.model_copy(update={"epochs": 3, "members": 3, "learning_rate": 0.003, "hidden_size": 8})


@pytest.fixture(scope="module")
def here() -> TrainingResult:
    """Train in this process."""
    result = train(PANEL, CONFIG, device="cpu")
    assert result.network.members, "there is something to compare"
    return result


def same(one: TrainingResult, other: TrainingResult) -> bool:
    weights = [torch.nn.utils.parameters_to_vector(result.network.parameters()) for result in (one, other)]
    losses = [[epoch.validation_loss for epoch in result.epochs] for result in (one, other)]
    return torch.equal(*weights) and losses[0] == losses[1]


def teachers() -> Iterator[psutil.Process]:
    """Yield the processes of Ray that have torch in memory."""
    for process in psutil.process_iter(["cmdline"]):
        if any(word.startswith("ray::") for word in process.info["cmdline"] or ()):
            with_torch = any("libtorch" in mapped.path for mapped in process.memory_maps())
            if with_torch:
                yield process


def test_all_nodes_teach_and_come_to_the_same_weights(
    ray_nodes: Any, monkeypatch: pytest.MonkeyPatch, here: TrainingResult
) -> None:
    nodes: set[int] = set()
    told: list[str] = []
    monkeypatch.setenv(RAY_ADDRESS, ray_nodes.address)

    def look(_: Epoch) -> None:
        nodes.update(process.ppid() for process in teachers())

    with spreading("auto", told.append) as spread:
        there = train(PANEL, CONFIG, device="cpu", spread=spread, on_epoch=look)

    assert told == [f"on the Ray cluster at {ray_nodes.address}"]
    assert len(nodes) == 2, "each raylet has a process that teaches"
    assert same(there, here)


@pytest.mark.usefixtures("ray_nodes")
def test_the_service_trains_there_from_elsewhere(
    ray_client_port: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(RAY_ADDRESS, f"ray://127.0.0.1:{ray_client_port}")
    progress: list[Progress] = []
    for name in ("there", "alone"):
        (tmp_path / name).mkdir()
    there = run_worker(assignment_of(PANEL, tmp_path / "there", CONFIG), progress.append, threading.Event())
    monkeypatch.delenv(RAY_ADDRESS)
    alone = run_worker(assignment_of(PANEL, tmp_path / "alone", CONFIG), lambda _: None, threading.Event())

    told = [one.remark for one in progress if isinstance(one, Stage) and one.name == "LSTMs"]
    assert told == [f"on the Ray cluster at ray://127.0.0.1:{ray_client_port}"]
    assert isinstance(there, Judged)
    assert isinstance(alone, Judged)
    assert there.figures["best_epoch"] > 0
    assert there.measures == alone.measures


def test_a_node_that_goes_down_costs_no_training(
    ray_nodes: Any, monkeypatch: pytest.MonkeyPatch, here: TrainingResult
) -> None:
    (worker,) = (node for node in ray_nodes.list_all_nodes() if node is not ray_nodes.head_node)
    monkeypatch.setenv(RAY_ADDRESS, ray_nodes.address)

    def kill(epoch: Epoch) -> None:
        if epoch.epoch == 1:
            ray_nodes.remove_node(worker, allow_graceful=False)

    with spreading("auto", lambda _: None) as spread:
        there = train(PANEL, CONFIG, device="cpu", spread=spread, on_epoch=kill)

    assert same(there, here)


def test_a_cluster_that_is_away_is_told_and_holds_nothing_up(
    monkeypatch: pytest.MonkeyPatch, here: TrainingResult
) -> None:
    (port,) = free_ports(1)
    told: list[str] = []
    monkeypatch.setenv(RAY_ADDRESS, f"ray://127.0.0.1:{port}")

    with spreading("cpu", told.append) as spread:
        alone = train(PANEL, CONFIG, device="cpu", spread=spread)

    (line,) = told
    assert line.startswith(f"on this machine alone: RAY_ADDRESS: no Ray cluster at ray://127.0.0.1:{port}: ")
    assert same(alone, here)


def test_a_connection_that_fails_once_is_tried_again(ray_nodes: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    connect, failures = ray.init, [ConnectionAbortedError("Starting Ray client server failed")]
    told: list[str] = []

    def failing_once(**options: Any) -> Any:
        if failures:
            raise failures.pop()
        return connect(**options)

    monkeypatch.setattr(ray, "init", failing_once)
    monkeypatch.setenv(RAY_ADDRESS, ray_nodes.address)

    with spreading("cpu", told.append):
        assert told == [f"on the Ray cluster at {ray_nodes.address}"]
        assert ray.is_initialized()
    assert not failures


def test_gpus_that_the_cluster_has_not_are_told(ray_nodes: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(RAY_ADDRESS, ray_nodes.address)

    with (
        spreading("cpu", lambda _: None),
        pytest.raises(RayUnavailableError, match="device: cuda was asked for, the Ray cluster has none"),
    ):
        train(PANEL, CONFIG, device="cpu", spread=spread_over_ray("cuda"))
