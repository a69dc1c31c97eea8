"""Child processes that never outlive the runner, each with a log file of its own."""

import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, Self

import psutil

from closecast_local import leash

_LEASH_SLACK_S: Final = 8.0
"""How much longer than the grace the leash may need, to end orphans too."""


_SIGNALED: Final = 128
"""A shell's convention, which the leash follows: status 128 + n for a command that signal n ended."""


class ChildDiedError(RuntimeError):
    """A child process ended although nothing asked it to; the message says which, how, and where its log is."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command to be run as a child.

    Attributes:
        name: What people call it; also the name of its log.
        arguments: The program and its arguments.
        log: File that takes its output; that of the run before is kept beside it as ``*.previous``.
        environment: Its whole environment; that of this process by default.
        folder: Working directory; that of this process by default.
        grace_s: Seconds from SIGTERM to SIGKILL.
        ends: Whether it may end by itself, with status 0.
    """

    name: str
    arguments: tuple[str, ...]
    log: Path
    environment: Mapping[str, str] | None = None
    folder: Path | None = None
    grace_s: float = 10.0
    ends: bool = False


class Child:
    """A running command. It ends with this object's `stop`, or with this process, however that ends.

    Args:
        command: What to run.
    """

    def __init__(self, command: Command) -> None:
        self.command = command
        self._log = _fresh_log(command.log)
        self._leash = subprocess.Popen(  # noqa: S603 - arguments are the runner's own
            [sys.executable, "-I", "-S", leash.__file__, str(command.grace_s), *command.arguments],
            stdin=subprocess.PIPE,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            env=command.environment,
            cwd=command.folder,
            start_new_session=True,
        )

    @property
    def name(self) -> str:
        """What people call it."""
        return self.command.name

    @property
    def pid(self) -> int:
        """Process id of the command itself.

        Raises:
            ProcessLookupError: If it does not run.
        """
        children = psutil.Process(self._leash.pid).children() if self.exit_status() is None else []
        if not children:
            msg = f"{self.name} does not run"
            raise ProcessLookupError(msg)
        return min(children, key=psutil.Process.create_time).pid

    def exit_status(self) -> int | None:
        """Return the exit status of the command (128 + n if signal n ended it), or None while it runs."""
        return self._leash.poll()

    def require_alive(self) -> None:
        """Check that the command runs, or has done what it was to do.

        Raises:
            ChildDiedError: If it has ended otherwise.
        """
        status = self.exit_status()
        if status is not None and not (status == 0 and self.command.ends):
            last = next(iter(self.last_lines(1)), "no output")
            msg = f"{self.name} {_describe(status)}: {last.strip()} (log: {self.command.log})"
            raise ChildDiedError(msg)

    def last_lines(self, count: int) -> list[str]:
        """Return the last lines of its log that are not blank."""
        with self.command.log.open(errors="replace") as log:
            return list(deque((line.rstrip("\n") for line in log if line.strip()), maxlen=count))

    def terminate(self) -> None:
        """Ask it to end without waiting; once it has, or the grace is over, all that it started ends as well."""
        if self.exit_status() is None:
            self._leash.terminate()

    def stop(self) -> int:
        """End it and all that it started, and return its exit status."""
        self.terminate()
        try:
            status = self._leash.wait(self.command.grace_s + _LEASH_SLACK_S)
        except subprocess.TimeoutExpired:
            self._leash.kill()
            status = self._leash.wait()
        self._close()
        return status

    def wait(self, timeout_s: float) -> int:
        """Wait until it ends by itself and return its exit status.

        Raises:
            TimeoutError: If it still runs after that time.
        """
        try:
            status = self._leash.wait(timeout_s)
        except subprocess.TimeoutExpired as error:
            msg = f"{self.name} still runs after {timeout_s:g} s (log: {self.command.log})"
            raise TimeoutError(msg) from error
        self._close()
        return status

    def _close(self) -> None:
        if self._leash.stdin is not None:
            self._leash.stdin.close()
        self._log.close()


class Supervisor:
    """Starts children, notices when one dies, and stops them in reverse order when its block ends."""

    def __init__(self) -> None:
        self._children: list[Child] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.stop()

    def __iter__(self) -> Iterator[Child]:
        """Iterate over the children in the order of their start."""
        return iter(self._children)

    def start(self, command: Command) -> Child:
        """Start a child."""
        child = Child(command)
        self._children.append(child)
        return child

    def start_patiently(self, command: Command, wait: Callable[[], None], attempts: int) -> Child:
        """Start a child and wait until it is ready; start it again if it dies meanwhile.

        Args:
            command: What to run.
            wait: Returns when the child is ready; raises ChildDiedError when any child dies.
            attempts: How often it is started at most.

        Raises:
            ChildDiedError: If another child dies, or this one at every attempt.
        """
        for attempts_left in reversed(range(attempts)):
            child = self.start(command)
            try:
                wait()
            except ChildDiedError:
                if child.exit_status() is None or not attempts_left:
                    raise
                self._children.remove(child)
                child.stop()
            else:
                return child
        raise ValueError("attempts: must be at least 1")

    def require_alive(self) -> None:
        """Check that every child runs.

        Raises:
            ChildDiedError: If one has ended.
        """
        for child in self._children:
            child.require_alive()

    def watch(self, interval_s: float = 0.5) -> None:
        """Keep watching until a child dies.

        Raises:
            ChildDiedError: When one does.
        """
        while True:
            self.require_alive()
            time.sleep(interval_s)

    def stop(self) -> None:
        """End every child, the latest first."""
        while self._children:
            self._children.pop().stop()


def _fresh_log(path: Path) -> IO[bytes]:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        path.replace(path.with_name(f"{path.name}.previous"))
    return path.open("wb")


def _describe(status: int) -> str:
    if status <= _SIGNALED:
        return f"ended with status {status}"
    return f"was killed by {signal.Signals(status - _SIGNALED).name}"
