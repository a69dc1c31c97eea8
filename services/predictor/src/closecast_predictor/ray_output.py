"""The logs of the predictor's processes, and what Ray prints beside them, as one stream.

Ray's driver copies what all processes of a run print, and adds lines of its own that no setting brings into shape.
"""

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import Final, TextIO

import orjson

from closecast.telemetry.logs import LogSettings, configure_logs, get_logger

_SERVICE: Final = "predictor"

_log = get_logger(__name__)


class LogLines(io.TextIOBase):
    """Copies lines that are JSON already, and logs all others; Ray cuts a line in two now and then.

    Args:
        stream: Where the copies go.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._begun = ""

    def write(self, text: str) -> int:
        """Take text in; a line counts once it is complete."""
        *lines, self._begun = (self._begun + text).split("\n")
        for line in lines:
            if _is_json(line):
                self._stream.write(line + "\n")
            elif line.strip():
                _log.info(line.strip())
        self._stream.flush()
        return len(text)


def _is_json(line: str) -> bool:
    try:
        return isinstance(orjson.loads(line), dict)
    except orjson.JSONDecodeError:
        return False


@contextmanager
def logged_output(settings: LogSettings) -> Iterator[None]:
    """Have all that is printed in a block come out in the form of the logs; people on a terminal see it as it is."""
    if settings.console or sys.__stderr__ is None:
        yield
        return
    lines = LogLines(sys.__stderr__)
    with redirect_stdout(lines), redirect_stderr(lines):
        yield


def configure_process_logs(settings: LogSettings) -> None:
    """Send the logs of this process to its true standard error: Ray Serve puts a stream of its own in that place."""
    configure_logs(settings, _SERVICE, sys.__stderr__)
