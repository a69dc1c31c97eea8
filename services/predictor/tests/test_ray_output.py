import io
import json
import sys
from typing import Any

import pytest

from closecast.telemetry.logs import LogSettings
from closecast_predictor.ray_output import LogLines, configure_process_logs, logged_output


@pytest.fixture
def stderr(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "__stderr__", stream)
    return stream


def lines_of(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_text_that_is_printed_becomes_a_line_of_the_log(stderr: io.StringIO) -> None:
    settings = LogSettings(format="json")
    configure_process_logs(settings)

    with logged_output(settings):
        sys.stdout.write("(raylet) one two\n")
        sys.stderr.write("to standard error\n\n")

    assert [line["event"] for line in lines_of(stderr)] == ["(raylet) one two", "to standard error"]
    assert {line["service"] for line in lines_of(stderr)} == {"predictor"}


def test_json_is_copied_as_it_is_however_it_is_cut(stderr: io.StringIO) -> None:
    lines = LogLines(stderr)

    for piece in ('{"a"', ": 1}", "\n", '{"b": 2}\n{"c": 3}\n'):
        lines.write(piece)

    assert lines_of(stderr) == [{"a": 1}, {"b": 2}, {"c": 3}]


def test_a_line_that_ray_has_cut_in_two_is_logged_in_two(stderr: io.StringIO) -> None:
    configure_process_logs(LogSettings(format="json"))

    LogLines(stderr).write('{"a": "begu\nn"}\n')

    assert [line["event"] for line in lines_of(stderr)] == ['{"a": "begu', 'n"}']


def test_people_see_what_is_printed(stderr: io.StringIO, capsys: pytest.CaptureFixture[str]) -> None:
    with logged_output(LogSettings(format="console")):
        sys.stdout.write("as it is\n")

    assert (capsys.readouterr().out, stderr.getvalue()) == ("as it is\n", "")
