import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from closecast.telemetry.logs import LogSettings, configure_logs, get_logger


@pytest.fixture(autouse=True)
def _restore_logging() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def test_json_lines_carry_what_was_bound(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(LogSettings(format="json"), "trainer")
    with structlog.contextvars.bound_contextvars(symbol="PETR4.SA", session="2025-06-16"):
        get_logger("closecast.test").info("published", revision=1)
        logging.getLogger("some.library").warning("careful: %s", "hot")
    own, library = (json.loads(line) for line in capsys.readouterr().err.splitlines())
    assert own["event"] == "published"
    assert own["service"] == "trainer"
    assert own["revision"] == 1
    assert library["event"] == "careful: hot"
    assert own["symbol"] == library["symbol"] == "PETR4.SA"


def test_the_level_decides_what_is_logged(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(LogSettings(format="json", level="warning"), "trainer")
    get_logger("closecast.test").info("quiet")
    assert capsys.readouterr().err == ""


def test_an_exception_is_part_of_its_json_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(LogSettings(format="json"), "trainer")
    try:
        float("close: 0")
    except ValueError:
        get_logger("closecast.test").exception("refused")
    line = json.loads(capsys.readouterr().err)
    assert line["exception"][0]["exc_value"] == "could not convert string to float: 'close: 0'"


def test_people_get_a_readable_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(LogSettings(format="console"), "trainer")
    get_logger("closecast.test").info("published", symbol="PETR4.SA")
    line = capsys.readouterr().err
    assert "published" in line
    assert "symbol=PETR4.SA" in line
