import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from closecast_local.processes import Child, ChildDiedError, Command, Supervisor

DAEMON = "import os, signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); os.setsid(); time.sleep(600)"
LEAVES_A_DAEMON = f"""
import os, sys, time
if os.fork() == 0:
    if os.fork() == 0:
        os.execv(sys.executable, [sys.executable, "-c", {DAEMON!r}])
    os._exit(0)
os.wait()
print("started", flush=True)
time.sleep(600)
"""
IGNORES_SIGTERM = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("started", flush=True)
time.sleep(600)
"""


def test_stop_ends_what_the_command_left_behind(tmp_path: Path) -> None:
    child = Child(python(LEAVES_A_DAEMON, tmp_path))
    leash = leash_of_started(child)
    family = psutil.Process(leash).children(recursive=True)
    assert len(family) == 2

    child.stop()

    assert not alive(family)


def test_stop_kills_a_command_that_ignores_sigterm(tmp_path: Path) -> None:
    child = Child(python(IGNORES_SIGTERM, tmp_path, grace_s=0.2))
    leash_of_started(child)

    assert child.stop() == 128 + signal.SIGKILL


def test_nothing_outlives_a_runner_that_is_killed(tmp_path: Path) -> None:
    runner = subprocess.Popen([sys.executable, "-c", RUNNER, LEAVES_A_DAEMON, str(tmp_path / "log")])
    eventually(lambda: "started" in text_of(tmp_path / "log"))
    family = psutil.Process(runner.pid).children(recursive=True)
    assert len(family) == 3

    runner.kill()
    runner.wait()

    eventually(lambda: not alive(family))


RUNNER = """
import sys, time
from pathlib import Path
from closecast_local.processes import Child, Command
child = Child(Command("daemonic", (sys.executable, "-c", sys.argv[1]), Path(sys.argv[2])))
time.sleep(600)
"""


def test_a_dead_child_is_told_with_its_name_its_end_and_its_log(tmp_path: Path) -> None:
    child = Child(python("print('first'); print('no model, no gain'); raise SystemExit(3)", tmp_path))
    assert child.wait(30) == 3

    with pytest.raises(ChildDiedError, match=r"^python ended with status 3: no model, no gain \(log: .*log\)$"):
        child.require_alive()


def test_a_killed_child_is_told_with_its_signal(tmp_path: Path) -> None:
    child = Child(python(IGNORES_SIGTERM, tmp_path))
    leash_of_started(child)
    os.kill(child.pid, signal.SIGKILL)
    child.wait(30)

    with pytest.raises(ChildDiedError, match="python was killed by SIGKILL"):
        child.require_alive()


def test_a_command_that_is_missing_is_told(tmp_path: Path) -> None:
    child = Child(Command("ghost", (str(tmp_path / "ghost"),), tmp_path / "log"))
    child.wait(30)

    with pytest.raises(ChildDiedError, match=r"cannot start .*ghost: No such file"):
        child.require_alive()


def test_a_running_child_has_the_environment_that_it_was_given(tmp_path: Path) -> None:
    command = python("import os; print(sorted(os.environ))", tmp_path, environment={"ONLY": "this"})
    Child(command).wait(30)

    assert "'ONLY'" in text_of(command.log)
    assert "'HOME'" not in text_of(command.log)


def test_the_previous_log_is_kept(tmp_path: Path) -> None:
    for word in ("first", "second"):
        Child(python(f"print({word!r})", tmp_path)).wait(30)

    assert text_of(tmp_path / "log") == "second\n"
    assert text_of(tmp_path / "log.previous") == "first\n"


def test_children_are_stopped_in_reverse_order(tmp_path: Path) -> None:
    says_bye = """
import signal, sys, time
from pathlib import Path
def bye(*_):
    with Path(sys.argv[1]).open("a") as order:
        order.write(sys.argv[2])
    sys.exit(0)
signal.signal(signal.SIGTERM, bye)
print("started", flush=True)
time.sleep(600)
"""
    with Supervisor() as supervisor:
        for name in "abc":
            arguments = (sys.executable, "-c", says_bye, str(tmp_path / "order"), name)
            leash_of_started(supervisor.start(Command(name, arguments, tmp_path / name)))

    assert text_of(tmp_path / "order") == "cba"


def test_a_supervisor_notices_the_death_of_any_child(tmp_path: Path) -> None:
    with Supervisor() as supervisor:
        supervisor.start(python(IGNORES_SIGTERM, tmp_path, grace_s=0.1))
        supervisor.start(Command("brief", (sys.executable, "-c", ""), tmp_path / "brief"))
        with pytest.raises(ChildDiedError, match="brief ended with status 0: no output"):
            supervisor.watch()


COUNTS_STARTS = """
import sys, time
from pathlib import Path
count = Path(sys.argv[1])
count.write_text(count.read_text() + "x" if count.exists() else "x")
if len(count.read_text()) < 3:
    sys.exit("not yet")
print("started", flush=True)
time.sleep(600)
"""


def test_a_child_that_dies_on_its_way_is_started_again(tmp_path: Path) -> None:
    with Supervisor() as supervisor:
        supervisor.start_patiently(moody(tmp_path), lambda: wait_for_start(supervisor, tmp_path / "log"), attempts=3)
        supervisor.require_alive()


def test_a_child_that_dies_at_every_attempt_is_told(tmp_path: Path) -> None:
    with Supervisor() as supervisor, pytest.raises(ChildDiedError, match=r"moody ended with status 1: not yet"):
        supervisor.start_patiently(moody(tmp_path), lambda: wait_for_start(supervisor, tmp_path / "log"), attempts=2)


def moody(folder: Path) -> Command:
    return Command("moody", (sys.executable, "-c", COUNTS_STARTS, str(folder / "count")), folder / "log")


def wait_for_start(supervisor: Supervisor, log: Path) -> None:
    while "started" not in text_of(log):
        supervisor.require_alive()
        time.sleep(0.02)


def python(code: str, folder: Path, *, grace_s: float = 10.0, environment: dict[str, str] | None = None) -> Command:
    arguments = (sys.executable, "-c", code)
    return Command("python", arguments, folder / "log", environment=environment, grace_s=grace_s)


def leash_of_started(child: Child) -> int:
    eventually(lambda: "started" in text_of(child.command.log))
    return psutil.Process(child.pid).ppid()


def alive(family: list[psutil.Process]) -> list[psutil.Process]:
    _, left = psutil.wait_procs(family, timeout=0)
    return [process for process in left if process.status() != psutil.STATUS_ZOMBIE]


def text_of(path: Path) -> str:
    return path.read_text() if path.exists() else ""


def eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
