"""The folder that a demo keeps everything in, and the lock that keeps a second demo out of it."""

import contextlib
import fcntl
import hashlib
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

_STOP_TIMEOUT_S: Final = 90.0


class StateInUseError(RuntimeError):
    """Another demo runs in the folder; the message names its process."""


class StateFolder:
    """The state of one demo: what its parts keep, their logs, and a lock.

    Args:
        root: The folder; created when the lock is taken.
        universe: Name of the quotes that the demo runs on; each has broker data, models and history of its own.
    """

    def __init__(self, root: Path, universe: str = "sample") -> None:
        self.root = root.absolute()
        self._universe = self.root / universe

    @property
    def logs(self) -> Path:
        """Folder of the logs, one file for each part."""
        return self.root / "logs"

    def of(self, part: str) -> Path:
        """Return the folder of one part, made if it is missing."""
        folder = self._universe / part
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder for the length of a block.

        Raises:
            StateInUseError: If another demo holds it.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        with self._lock_file().open("a+") as lock:
            if not _try_lock(lock):
                msg = (
                    f"a demo already runs in {self.root} (process {_owner(lock)}); "
                    "stop it with `closecast stop`, or choose another folder with --state-dir"
                )
                raise StateInUseError(msg)
            lock.truncate(0)
            lock.write(str(os.getpid()))
            lock.flush()
            try:
                yield
            finally:
                lock.truncate(0)

    @contextlib.contextmanager
    def scratch(self) -> Iterator[Path]:
        """Make a folder for sockets and other passing files, removed after the block.

        It lies outside of the state because the path of a socket may not exceed some hundred characters. Its name
        follows from that of the state, so that the next start removes what a killed demo left.
        """
        digest = hashlib.sha256(str(self.root).encode()).hexdigest()[:8]
        folder = Path(tempfile.gettempdir()) / f"closecast-{digest}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def stop_owner(self) -> int | None:
        """End the demo that holds the folder and wait until it has; return its process id, None if there is none.

        Raises:
            TimeoutError: If it still runs after a while.
        """
        if not self._lock_file().exists():
            return None
        owner = None
        deadline = time.monotonic() + _STOP_TIMEOUT_S
        with self._lock_file().open("r+") as lock:
            while not _try_lock(lock):
                if owner is None and _owner(lock).isdigit():
                    owner = int(_owner(lock))
                    os.kill(owner, signal.SIGTERM)
                if time.monotonic() >= deadline:
                    msg = f"process {_owner(lock)} still runs {_STOP_TIMEOUT_S:g} s after it was told to stop"
                    raise TimeoutError(msg)
                time.sleep(0.1)
        return owner

    def _lock_file(self) -> Path:
        return self.root / "lock"


def _try_lock(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _owner(lock: IO[str]) -> str:
    lock.seek(0)
    return lock.read().strip() or "unknown"
