"""The machine that trains: what it is, and how much of it this process used."""

import platform
import resource
import time
from typing import Final

import psutil
import torch

_MEGABYTE: Final = 2**20


def resolve_device(device: str) -> torch.device:
    """Return the device that a setting of ``auto``, ``cpu`` or ``cuda`` means on this machine.

    Raises:
        ValueError: If ``cuda`` is asked for and there is none.
    """
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if device == "cuda" and not torch.cuda.is_available():
        raise ValueError("device: cuda was asked for, this machine has none; use auto or cpu")
    return torch.device(device)


def describe(device: torch.device) -> dict[str, str]:
    """Return the parameters of a run that tell what it ran on."""
    described = {
        "hardware.device": device.type,
        "hardware.cpus": str(psutil.cpu_count()),
        "hardware.memory_megabytes": str(psutil.virtual_memory().total // _MEGABYTE),
        "hardware.platform": platform.platform(),
        "python": platform.python_version(),
        "torch": torch.__version__,
    }
    if device.type == "cuda":
        described["hardware.gpu"] = torch.cuda.get_device_name(device)
    return described


def usage(device: torch.device) -> dict[str, float]:
    """Return the CPU time and the peak memory of this process, and of the GPU where it used one."""
    used = {
        "system/process_cpu_seconds": time.process_time(),
        "system/process_peak_memory_megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    if device.type == "cuda":
        used["system/gpu_peak_memory_megabytes"] = torch.cuda.max_memory_allocated(device) / _MEGABYTE
    return used
