"""The credentials that are good now: those of the settings and those of a file, which may change."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from closecast.telemetry.logs import get_logger
from closecast_predictor.access.credentials import Credential, read_file

LOOK_AGAIN_S: Final = 2.0

_log = get_logger(__name__)


class Book:
    """Credentials of one kind.

    Args:
        parse: Reads the lines.
        text: Credentials of the settings.
        path: File of more credentials; one that cannot be read later on leaves the last good ones standing.
        look_again_s: How long a change of the file may go unseen.

    Raises:
        ValueError: If the settings or the file hold what is no credential.
    """

    def __init__(
        self,
        parse: Callable[[str], tuple[Credential, ...]],
        text: SecretStr | None,
        path: Path | None,
        look_again_s: float = LOOK_AGAIN_S,
    ) -> None:
        self._parse = parse
        self._fixed = () if text is None else parse(text.get_secret_value())
        self._path = path
        self._look_again_s = look_again_s
        self._stamp = self._stamp_now()
        self._credentials = self._fixed if path is None else self._fixed + parse(read_file(path))
        self._next_look = time.monotonic() + look_again_s

    def read(self) -> tuple[Credential, ...]:
        """Return the credentials; the same object as long as they are the same."""
        if self._path is not None and time.monotonic() >= self._next_look:
            self._look(self._path)
        return self._credentials

    def _look(self, path: Path) -> None:
        self._next_look = time.monotonic() + self._look_again_s
        stamp = self._stamp_now()
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._credentials = self._fixed + self._parse(read_file(path))
        except ValueError as error:
            _log.error("credentials not read again, the last ones stay", file=str(path), error=str(error))
        else:
            _log.info("credentials read again", file=str(path), count=len(self._credentials))

    def _stamp_now(self) -> tuple[int, int, int] | None:
        """Return what tells one state of the file from another; Kubernetes swaps a link, which makes another inode."""
        try:
            stat = None if self._path is None else self._path.stat()
        except OSError:
            return None
        return None if stat is None else (stat.st_mtime_ns, stat.st_size, stat.st_ino)
