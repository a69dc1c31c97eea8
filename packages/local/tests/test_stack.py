import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from closecast.ports import free_ports
from closecast_local.settings import DemoSettings
from closecast_local.stack import CannotStartError, Stack, universe_of
from closecast_local.state import StateFolder

MakeStack = Callable[..., Stack]


@pytest.fixture
def make_stack(tmp_path: Path) -> MakeStack:
    def make(**settings: object) -> Stack:
        names = [name for name in DemoSettings.model_fields if name.endswith("port")]
        ports = dict(zip(names, free_ports(len(names)), strict=True))
        demo = DemoSettings.model_validate({**ports, **settings})
        return Stack(demo, StateFolder(tmp_path, universe_of(demo)), tmp_path)

    return make


def test_it_can_start_where_all_is_installed_and_free(make_stack: MakeStack) -> None:
    make_stack().require_startable()


def test_a_missing_program_is_told_with_the_remedy(
    make_stack: MakeStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(CannotStartError, match=r"^noida-db is not installed; run `make install`$"):
        make_stack().require_startable()


def test_two_parts_on_one_port_are_refused(make_stack: MakeStack) -> None:
    (port,) = free_ports(1)
    with pytest.raises(CannotStartError, match=f"port {port} is given twice: --port and --mlflow-port"):
        make_stack(port=port, mlflow_port=port).require_startable()


def test_settings_of_other_installations_do_not_reach_the_children(
    make_stack: MakeStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("CLOSECAST_KAFKA_SASL_USERNAME", "RAY_ADDRESS", "MLFLOW_TRACKING_URI"):
        monkeypatch.setenv(name, "elsewhere")
    stack = make_stack()
    ingestors = (stack.ingestor(), stack.backfiller())
    for command in (stack.broker(), stack.mlflow(), *ingestors, stack.trainer(), stack.predictor()):
        assert command.environment is not None
        assert "elsewhere" not in command.environment.values()


def test_own_files_and_symbols_reach_the_ingestor(make_stack: MakeStack, tmp_path: Path) -> None:
    (tmp_path / "PETR4.SA.csv").touch()
    arguments = make_stack(csv=tmp_path, symbols="PETR4,VALE3").ingestor().arguments
    assert arguments[1:] == (
        *("replay", "--source", "csv", "--csv-folder", str(tmp_path), "--symbols", "PETR4.SA,VALE3.SA"),
    )


def test_what_is_asked_for_later_may_be_any_symbol_of_the_source(make_stack: MakeStack, tmp_path: Path) -> None:
    (tmp_path / "PETR4.SA.csv").touch()
    arguments = make_stack(csv=tmp_path, symbols="PETR4").backfiller().arguments
    assert arguments[1:] == ("serve", "--source", "csv", "--csv-folder", str(tmp_path))
    assert make_stack(symbols="AAPL").backfiller().arguments[1:] == ("serve", "--source", "sample")


def test_other_quotes_mean_other_state(tmp_path: Path) -> None:
    (tmp_path / "PETR4.SA.csv").touch()
    universes = [
        universe_of(DemoSettings.model_validate(options))
        for options in ({}, {"symbols": "AAPL"}, {"csv": tmp_path}, {"csv": tmp_path, "symbols": "PETR4"})
    ]
    assert universes[0] == "sample"
    assert len(set(universes)) == len(universes)


def test_a_folder_without_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"holds no SYMBOL.csv files"):
        DemoSettings.model_validate({"csv": tmp_path})
