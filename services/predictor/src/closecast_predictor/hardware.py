"""What the deployment uses of its machine: processors, memory, and the GPU where there is one."""

import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import psutil
import pynvml

_RAYLET: Final = "raylet"
_INIT: Final = 1
_FRESH_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Gpu:
    """The graphics processors of the machine, whoever uses them.

    Attributes:
        name: Of the first.
        count: How many there are.
        busy_percent: Share of their time that they computed, on average.
        memory_used_bytes: Memory in use, of all.
        memory_total_bytes: Memory, of all.
    """

    name: str
    count: int
    busy_percent: float
    memory_used_bytes: int
    memory_total_bytes: int


@dataclass(frozen=True, slots=True)
class Hardware:
    """What the deployment uses of the forecaster's machine.

    Attributes:
        processes: Its processes: forecaster, replicas, proxy and Ray's own.
        cpu_cores: Cores of the machine.
        cpu_cores_used: Cores that its processes kept busy since the last look.
        memory_bytes: Memory of its processes, what they share counted once.
        memory_total_bytes: Memory of the machine.
        gpu: The graphics processors; none where there are none.
    """

    processes: int
    cpu_cores: int
    cpu_cores_used: float
    memory_bytes: int
    memory_total_bytes: int
    gpu: Gpu | None


class HardwareMeter:
    """Measures a tree of processes; looks that follow each other within a second see the same. Any thread may ask.

    Args:
        root: The process that the deployment descends from; that which started Ray here by default.
    """

    def __init__(self, root: psutil.Process | None = None) -> None:
        self._root = root or _root_of(psutil.Process())
        self._reading = threading.Lock()
        self._measured_at = time.monotonic()
        self._cpu_s = {process.pid: _cpu_s(process) for process in self._processes()}
        self._latest: Hardware | None = None

    def read(self) -> Hardware:
        """Return the usage since the last reading."""
        with self._reading:
            if self._latest is None or time.monotonic() - self._measured_at > _FRESH_S:
                self._latest = self._measure()
            return self._latest

    def _measure(self) -> Hardware:
        processes = list(self._processes())
        now, cpu_s = time.monotonic(), {process.pid: _cpu_s(process) for process in processes}
        used = sum(seconds - self._cpu_s.get(pid, 0.0) for pid, seconds in cpu_s.items())
        elapsed = max(now - self._measured_at, 1e-3)
        self._measured_at, self._cpu_s = now, cpu_s
        return Hardware(
            processes=len(processes),
            cpu_cores=psutil.cpu_count() or 1,
            cpu_cores_used=round(max(0.0, used) / elapsed, 3),
            memory_bytes=sum(map(_memory, processes)),
            memory_total_bytes=psutil.virtual_memory().total,
            gpu=read_gpu(),
        )

    def _processes(self) -> Iterator[psutil.Process]:
        with suppress(psutil.Error):
            yield self._root
            yield from self._root.children(recursive=True)


def read_gpu() -> Gpu | None:
    """Return what NVIDIA's driver tells of the graphics processors, None where it is not."""
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return None
    try:
        devices = [pynvml.nvmlDeviceGetHandleByIndex(at) for at in range(pynvml.nvmlDeviceGetCount())]
        memory = [pynvml.nvmlDeviceGetMemoryInfo(device) for device in devices]
        busy = [pynvml.nvmlDeviceGetUtilizationRates(device).gpu for device in devices]
        if not devices:
            return None
        return Gpu(
            name=str(pynvml.nvmlDeviceGetName(devices[0])),
            count=len(devices),
            busy_percent=sum(busy) / len(busy),
            memory_used_bytes=sum(one.used for one in memory),
            memory_total_bytes=sum(one.total for one in memory),
        )
    except pynvml.NVMLError:
        return None
    finally:
        pynvml.nvmlShutdown()


def _root_of(process: psutil.Process) -> psutil.Process:
    """Return the parent of the Ray daemon that a process descends from; the daemon itself, if it has been left to init.

    Outside of Ray it is the process.
    """
    for ancestor in process.parents():
        if ancestor.name().startswith(_RAYLET):
            parent = ancestor.parent()
            return ancestor if parent is None or parent.pid == _INIT else parent
    return process


def _cpu_s(process: psutil.Process) -> float:
    with suppress(psutil.Error):
        times = process.cpu_times()
        return float(times.user + times.system)
    return 0.0


def _memory(process: psutil.Process) -> int:
    with suppress(psutil.Error):
        usage = process.memory_full_info()
        return int(getattr(usage, "pss", usage.uss))
    return 0
