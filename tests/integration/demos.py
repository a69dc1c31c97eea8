"""The `closecast` command as a person runs it, for tests."""

import os
import subprocess
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import psutil

from closecast.ports import free_ports
from closecast_local.commands import program

_PORTS = (
    "port",
    "broker-port",
    "mlflow-port",
    "ingestor-metrics-port",
    "trainer-metrics-port",
    "predictor-metrics-port",
)
_TIMEOUT_S = 800.0


class Demo:
    """Runs `closecast demo` in one folder, on ports of its own.

    Args:
        folder: Working directory, which keeps the state from run to run.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ports = dict(zip(_PORTS, free_ports(len(_PORTS)), strict=True))
        self._mark = f"closecast-test-{uuid.uuid4()}"
        self._processes: list[subprocess.Popen[str]] = []

    def start(self, *options: str) -> "subprocess.Popen[str]":
        """Start it; its output goes to the files `stdout` and `stderr` of the folder."""
        flags = [f"--{name}={port}" for name, port in self.ports.items()]
        with (self.folder / "stdout").open("w") as stdout, (self.folder / "stderr").open("w") as stderr:
            process = subprocess.Popen(
                [program("closecast"), "demo", "--epochs=3", *flags, *options],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                env=os.environ | {"TEST_MARK": self._mark},
                text=True,
                start_new_session=True,
            )
        self._processes.append(process)
        return process

    def run(self, *options: str) -> int:
        """Run it to its end and return its exit status."""
        return self.start(*options).wait(_TIMEOUT_S)

    def stop(self) -> None:
        """End what a failed test has left running."""
        for process in self._processes:
            process.terminate()
            process.wait(_TIMEOUT_S)

    @property
    def stdout(self) -> str:
        """What the last run has printed."""
        return (self.folder / "stdout").read_text()

    @property
    def stderr(self) -> str:
        """What the last run has complained of."""
        return (self.folder / "stderr").read_text()

    def left_behind(self) -> list[str]:
        """Return the command lines of all processes that descend from any run and still live."""
        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get("TEST_MARK") == self._mark:
                    found.append(" ".join(process.cmdline()))
            except psutil.Error:
                continue
        return found


def eventually(condition: Callable[[], bool], process: "subprocess.Popen[str]") -> None:
    """Wait until a condition holds while a process runs."""
    deadline = time.monotonic() + _TIMEOUT_S
    while not condition():
        assert process.poll() is None, f"ended with status {process.returncode}"
        assert time.monotonic() < deadline
        time.sleep(0.1)
