"""The machine that trains: what it is, and how much of it a training used."""

import platform
import resource
import time
from types import TracebackType
from typing import Any, Final, Self

import psutil
import torch
from mlflow.entities import Metric
from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

_SAMPLE_S: Final = 2.0
_MEGABYTE: Final = 2**20


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


class HardwareUse:
    """Measures a block of work: MLflow's system metrics every two seconds, and the peaks of this process.

    Args:
        tracking_uri: The MLflow server; if it stops answering, the samples end, and the work goes on.
        run_id: The run that gets the samples.
        device: Where the work runs.
    """

    def __init__(self, tracking_uri: str, run_id: str, device: torch.device) -> None:
        self._device = device
        self._samples: Any = SystemMetricsMonitor(  # type: ignore[no-untyped-call]
            run_id, sampling_interval=_SAMPLE_S, tracking_uri=tracking_uri
        )

    def __enter__(self) -> Self:
        if self._device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self._device)
        self._cpu_s = time.process_time()
        self._samples.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._samples.finish()

    def peaks(self) -> list[Metric]:
        """Return CPU time since the block began, peak memory of this process, and of the GPU where one was used."""
        values = {
            "system/process_cpu_seconds": time.process_time() - self._cpu_s,
            "system/process_peak_memory_megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        }
        if self._device.type == "cuda":
            values["system/gpu_peak_memory_megabytes"] = torch.cuda.max_memory_allocated(self._device) / _MEGABYTE
        now = int(time.time() * 1000)
        return [Metric(key, value, now, 0) for key, value in values.items()]
