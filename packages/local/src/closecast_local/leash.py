"""Runs one command and outlives it just long enough to end whatever it started.

The runner starts every child through this script: ``python leash.py GRACE_S COMMAND…``. The leash ends the command
when it gets SIGTERM, and also when its standard input closes, which is how it learns that the runner is gone, even by
SIGKILL. On Linux every orphan that the command leaves behind (Ray starts a dozen daemons) becomes a child of the leash,
which ends those too. It imports the standard library only, to start in milliseconds.
"""

import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Final

_PR_SET_PDEATHSIG: Final = 1
_PR_SET_CHILD_SUBREAPER: Final = 36
_ORPHAN_GRACE_S: Final = 3.0
_TICK_S: Final = 0.05
_EXIT_NOT_FOUND: Final = 127
_ON_LINUX: Final = sys.platform == "linux"


def main(arguments: list[str]) -> int:
    """Run the command and return its exit status (128 + n if signal n ended it)."""
    grace_s, command = float(arguments[0]), arguments[1:]
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_write, False)
    signal.set_wakeup_fd(wake_write)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
        signal.signal(number, _wake)
    if _ON_LINUX:
        _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    try:
        child = subprocess.Popen(  # noqa: S603 - the runner's own commands
            command,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=_end_with_parent if _ON_LINUX else None,  # noqa: PLW1509 - this process has one thread
        )
    except OSError as error:
        sys.stderr.write(f"cannot start {command[0]}: {error.strerror}\n")
        return _EXIT_NOT_FOUND
    status = _supervise(child.pid, grace_s, wake_read)
    _end_orphans(child.pid)
    return status


def _supervise(child: int, grace_s: float, wake: int) -> int:
    """Wait for the command to end, by itself or because it is told to."""
    sources = [wake, sys.stdin.fileno()]
    while True:
        ready, _, _ = select.select(sources, [], [])
        told_to_stop = False
        if wake in ready:
            told_to_stop = bool({signal.SIGTERM, signal.SIGINT} & set(os.read(wake, 1024)))
        if sys.stdin.fileno() in ready:
            told_to_stop = True
        status = _reap(child)
        if status is not None:
            return status
        if told_to_stop:
            return _stop(child, grace_s)


def _stop(child: int, grace_s: float) -> int:
    """Ask the command to end, and make it end when it has not after the grace."""
    os.kill(child, signal.SIGTERM)
    deadline = time.monotonic() + grace_s
    while (status := _reap(child)) is None:
        if time.monotonic() >= deadline:
            os.kill(child, signal.SIGKILL)
        time.sleep(_TICK_S)
    return status


def _reap(child: int) -> int | None:
    """Collect every process that has ended; return the command's exit status if it is among them."""
    found = None
    while True:
        try:
            process, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return found
        if process == 0:
            return found
        if process == child:
            code = os.waitstatus_to_exitcode(status)
            found = code if code >= 0 else 128 - code


def _end_orphans(child: int) -> None:
    """End what the command left behind: politely first, then for certain."""
    deadline = time.monotonic() + _ORPHAN_GRACE_S
    told: set[int] = set()
    while left := _left_behind(child):
        _reap(child)
        patient = time.monotonic() < deadline
        for process in left - told if patient else left:
            _signal(process, signal.SIGTERM if patient else signal.SIGKILL)
        told |= left
        time.sleep(_TICK_S)


def _left_behind(child: int) -> set[int]:
    if not _ON_LINUX:
        return {-child} if _signal(-child, 0) else set()
    parents = _parents()
    found = {os.getpid()}
    while more := {process for process, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {os.getpid()}


def _parents() -> dict[int, int]:
    """Return the parent of every process of this machine that has not ended yet."""
    parents = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                state, parent = (folder / "stat").read_text().rpartition(")")[2].split()[:2]
            except OSError:
                continue
            if state != "Z" or int(parent) == os.getpid():
                parents[int(folder.name)] = int(parent)
    return parents


def _signal(process: int, number: int) -> bool:
    """Send a signal; a negative number means a process group. False if there is no such process."""
    try:
        os.kill(process, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def _wake(_number: int, _frame: FrameType | None) -> None:
    """Let the wake-up descriptor speak: the signal's number is written there."""


def _prctl(option: int, value: int) -> None:
    ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def _end_with_parent() -> None:
    """Have the kernel end the command should the leash itself be killed."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
