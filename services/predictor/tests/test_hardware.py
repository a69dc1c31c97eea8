import subprocess
import sys
import time
from collections.abc import Iterator

import psutil
import pynvml
import pytest

from closecast_predictor.hardware import HardwareMeter, read_gpu

_WAIT_S = 60.0
WORK = """
import subprocess, sys
work = "held = bytearray(60_000_000); print('ready', flush=True); sum(0 for _ in iter(int, 1))"
child = subprocess.Popen([sys.executable, "-c", work])
child.wait()
"""


@pytest.fixture
def working() -> Iterator[psutil.Process]:
    """Return a process whose child holds 60 MB and never rests."""
    with subprocess.Popen([sys.executable, "-c", WORK], stdout=subprocess.PIPE) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == b"ready\n"
        yield (root := psutil.Process(running.pid))
        for process in (*root.children(recursive=True), root):
            process.kill()


def test_all_descendants_are_measured(working: psutil.Process) -> None:
    meter = HardwareMeter(working)
    child = working.children()[0]
    before = child.cpu_times().user
    deadline = time.monotonic() + _WAIT_S
    while child.cpu_times().user < before + 0.5:
        assert time.monotonic() < deadline
        time.sleep(0.01)

    usage = meter.read()

    assert usage.processes == 2
    assert usage.cpu_cores_used > 0
    assert 60_000_000 < usage.memory_bytes < usage.memory_total_bytes
    assert usage.cpu_cores == psutil.cpu_count()


def test_looks_in_quick_succession_see_the_same(working: psutil.Process) -> None:
    meter = HardwareMeter(working)

    assert meter.read() is meter.read()


def test_a_root_that_has_ended_uses_nothing() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as running:
        meter = HardwareMeter(psutil.Process(running.pid))

    usage = meter.read()

    assert (usage.cpu_cores_used, usage.memory_bytes) == (0.0, 0)


def test_the_gpu_is_told_of_where_there_is_one() -> None:
    try:
        pynvml.nvmlInit()
        count = pynvml.nvmlDeviceGetCount()
        pynvml.nvmlShutdown()
    except pynvml.NVMLError:
        count = 0

    gpu = read_gpu()

    assert (0 if gpu is None else gpu.count) == count
    if gpu is not None:
        assert 0 <= gpu.busy_percent <= 100
        assert 0 < gpu.memory_used_bytes <= gpu.memory_total_bytes
