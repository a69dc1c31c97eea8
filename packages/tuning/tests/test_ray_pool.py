"""The same search on a real Ray cluster of this machine."""

from pathlib import Path
from typing import Any

import pytest
from packages.backtest.tests.folders import write_folder
from packages.tuning.tests.studies import options, table_of
from services.trainer.tests.panels import QUICK, make_panel

from closecast.ports import free_ports
from closecast_trainer.ray_cluster import RayUnavailableError
from closecast_tuning.__main__ import main
from closecast_tuning.folds import make_folds
from closecast_tuning.objective import judge
from closecast_tuning.ray_pool import ray_pool

pytestmark = pytest.mark.slow

FOLDS = make_folds(make_panel(symbols=1, sessions=800), 2)


def test_the_command_searches_there_and_comes_to_what_it_does_here(
    ray_nodes: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    quotes = write_folder(tmp_path / "quotes", symbols=1)
    monkeypatch.setenv("RAY_ADDRESS", ray_nodes.address)
    there = main(options(quotes, tmp_path / "there", "--trials", "3", "--folds", "2"))
    told = capsys.readouterr()
    monkeypatch.delenv("RAY_ADDRESS")
    here = main(options(quotes, tmp_path / "here", "--trials", "1", "--folds", "2"))

    assert (there, here) == (0, 0)
    assert f"on the Ray cluster at {ray_nodes.address}: 2 trials at a time" in told.err
    trials = table_of(told.out)
    assert len(trials) == 3
    assert trials[0][1:] == table_of(capsys.readouterr().out)[0][1:], "the defaults, by the same code"


def test_a_node_that_goes_down_takes_no_judgement_with_it(ray_nodes: Any) -> None:
    (worker,) = (node for node in ray_nodes.list_all_nodes() if node is not ray_nodes.head_node)
    with ray_pool(ray_nodes.address, FOLDS, "cpu", jobs=2) as pool:
        pool.submit(0, 0, QUICK)
        pool.submit(1, 1, QUICK)
        ray_nodes.remove_node(worker, allow_graceful=False)
        judged = dict(pool.result() for _ in range(2))

    assert {trial: one.error for trial, one in judged.items()} == {0: "", 1: ""}
    for trial, fold in enumerate(FOLDS):
        assert judged[trial].loss == pytest.approx(judge(fold.panel, QUICK, "cpu").loss)


def test_a_gpu_that_the_cluster_has_not_is_told(ray_nodes: Any) -> None:
    told = "device: cuda was asked for, the Ray cluster has none; use auto or cpu"
    with pytest.raises(RayUnavailableError, match=told), ray_pool(ray_nodes.address, FOLDS, "cuda"):
        pass


def test_no_cluster_at_the_address_is_told() -> None:
    (port,) = free_ports(1)
    told = f"RAY_ADDRESS: no Ray cluster at 127.0.0.1:{port}"
    with pytest.raises(RayUnavailableError, match=told), ray_pool(f"127.0.0.1:{port}", FOLDS, "cpu"):
        pass
