"""Ray and Ray Serve as the predictor runs them. What is in the environment must be there before ray is imported."""

import contextlib
import logging
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from closecast.ports import free_ports, require_free_port
from closecast.telemetry.logs import get_logger
from closecast_predictor.settings import PredictorSettings

_LOOPBACK: Final = "127.0.0.1"
_ADDRESS: Final = "RAY_ADDRESS"
_TEMPORARY: Final = "RAY_TMPDIR"
_ATTEMPTS: Final = 3
"""On a machine that is busy Ray's daemons may miss the half minute that Ray gives them."""

_REPLICA_PORTS: Final = 20_000
_PORTS_A_RUN: Final = 100
_RUNS: Final = 100
"""Ranges to choose from; all lie below the ports that the kernel gives to clients."""

_CPUS: Final = 1
"""Logical: the deployments reserve none, and Ray starts one idle worker for each."""

_QUIET: Final = {
    # Ten rounds a second, the default, cost as much as all else. A replica that died is replaced a second later at
    # most; HAProxy stops asking it at once.
    "RAY_SERVE_CONTROL_LOOP_INTERVAL_S": "1",
    # Nothing scrapes Ray's own metrics here, nor shows its tasks and events; ours do not go through Ray.
    "RAY_enable_metrics_collection": "0",
    "RAY_event_stats": "0",
    "RAY_task_events_report_interval_ms": "0",
    "REPORTER_UPDATE_INTERVAL_MS": "60000",
    "SCAN_EVENT_DIR_INTERVAL_SECONDS": "60",
    "METRICS_RECORD_INTERVAL_S": "60",
    # One node has no one to tell what it has left, moves no objects between nodes and starts no others.
    "RAY_raylet_report_resources_period_milliseconds": "2000",
    "RAY_gcs_pull_resource_loads_period_milliseconds": "10000",
    "RAY_object_manager_timer_freq_ms": "2000",
    "AUTOSCALER_UPDATE_INTERVAL_S": "60",
    # Every worker is a replica or a part of Serve: none is ever idle, and to kill one for its memory is the kernel's.
    "RAY_kill_idle_workers_interval_ms": "60000",
    "RAY_memory_monitor_refresh_ms": "0",
    # How often the monitor of logs looks for new files: by default ten times a second while there are few.
    "RAY_LOG_MONITOR_MANY_FILES_THRESHOLD": "0",
    "LOG_NAME_UPDATE_INTERVAL_S": "2",
}
"""What keeps an idle Ray on one machine idle; ADR 0013 has what each part of it costs."""

_log = get_logger(__name__)


class RayUnavailableError(RuntimeError):
    """Ray did not start, or the one at `RAY_ADDRESS` does not answer."""


def serve_environment() -> dict[str, str]:
    """Return the environment that makes Ray Serve fast, wherever it runs; Kubernetes sets the same."""
    return {
        "RAY_SERVE_ENABLE_HA_PROXY": "1",
        "RAY_SERVE_HAPROXY_TCP_NODELAY": "1",
        "RAY_SERVE_THROUGHPUT_OPTIMIZED": "1",
        # Replies of the forecaster hold object references, which would be pinned for ever if they went by gRPC.
        "RAY_SERVE_USE_GRPC_BY_DEFAULT": "0",
        "RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH": "closecast_predictor.api.edge.middlewares",
        "RAY_USAGE_STATS_ENABLED": "0",
        # Serve's HAProxy passes on what a client wrote into X-Forwarded-For: uvicorn must not take it for the truth.
        "FORWARDED_ALLOW_IPS": "",
        # Serve adds up its own counters ten times a second by default; no one reads them that often.
        "RAY_SERVE_METRICS_EXPORT_INTERVAL_MS": "5000",
        # HAProxy would tell a process of Serve of each request, which counts again what the replicas have counted.
        "RAY_SERVE_HAPROXY_METRICS_ENABLED": "0",
        # What a replica was asked when it died, another is asked again: no request does harm when it is done twice.
        # HAProxy can do so where it had all of the request, so that it waits for a body that comes in a second packet;
        # Ray has no setting for this, but puts the value as it is among HAProxy's defaults.
        "RAY_SERVE_HAPROXY_RETRY_ON": "conn-failure empty-response\noption http-buffer-request",
        # Where no syslog listens HAProxy need not write it a line for each request, only for one in a million.
        "RAY_SERVE_HAPROXY_LOG_TARGET": "127.0.0.1:514 sample 1:1000000",
    }


def local_environment(folder: Path) -> dict[str, str]:
    """Return what one machine needs on top: files in a folder of its own, free ports, a short drain, little memory."""
    metrics_port, stats_port, fallback_port, fallback_grpc_port = free_ports(4)
    # Replicas take ports of this range; one that another run has just given up must not become ours.
    first_port = _REPLICA_PORTS + _PORTS_A_RUN * secrets.randbelow(_RUNS)
    metrics = folder / "metrics"
    metrics.mkdir(parents=True, exist_ok=True)
    return {
        "PROMETHEUS_MULTIPROC_DIR": str(metrics),
        "RAY_SERVE_HAPROXY_CONFIG_FILE_LOC": str(folder / "haproxy.cfg"),
        "RAY_SERVE_HAPROXY_SOCKET_PATH": str(folder / "admin.sock"),
        "RAY_SERVE_HAPROXY_METRICS_SOCKET_PATH": str(folder / "metrics.sock"),
        "RAY_SERVE_HAPROXY_SERVER_STATE_BASE": str(folder),
        "RAY_SERVE_HAPROXY_SERVER_STATE_FILE": str(folder / "server-state"),
        "RAY_SERVE_HAPROXY_METRICS_PORT": str(metrics_port),
        "RAY_SERVE_HAPROXY_STATS_PORT": str(stats_port),
        "RAY_SERVE_HAPROXY_NBTHREAD": "1",
        # On the default ports, and shared as by default, a second Ray on this machine would get half of our requests.
        "RAY_SERVE_FALLBACK_PROXY_HTTP_PORT": str(fallback_port),
        "RAY_SERVE_FALLBACK_PROXY_GRPC_PORT": str(fallback_grpc_port),
        "SERVE_SOCKET_REUSE_PORT_ENABLED": "0",
        "RAY_SERVE_DIRECT_INGRESS_MIN_HTTP_PORT": str(first_port),
        "RAY_SERVE_DIRECT_INGRESS_MAX_HTTP_PORT": str(first_port + _PORTS_A_RUN - 1),
        "RAY_SERVE_DIRECT_INGRESS_MIN_DRAINING_PERIOD_S": "2",
        "RAY_prestart_worker_first_driver": "0",
        # Equal lines of two replicas are two lines; Ray would hold back the second and change its text.
        "RAY_DEDUP_LOGS": "0",
        # What replicas log comes out as they wrote it (see `ray_output`).
        "RAY_DISABLE_WORKER_LOG_PREFIX": "1",
        "RAY_COLOR_PREFIX": "0",
    } | _QUIET


@contextlib.contextmanager
def running_ray(settings: PredictorSettings, folder: Path) -> Iterator[None]:
    """Attach to the Ray of `RAY_ADDRESS`, or run one on this machine, and Ray Serve in it, for the length of a block.

    Args:
        settings: Of the predictor.
        folder: For the files of this run; short, because sockets lie in it.

    Raises:
        PortInUseError: If a port is taken.
        RayUnavailableError: If there is no Ray to run in.
    """
    address = os.environ.get(_ADDRESS)
    require_free_port(settings.host, settings.port, "CLOSECAST_PREDICTOR_PORT or --port")
    for name, value in (serve_environment() | ({} if address else local_environment(folder))).items():
        os.environ.setdefault(name, value)
    options: dict[str, Any] = {"address": address} if address else _local_ray(settings, folder)
    _start(settings, options)
    try:
        yield
    finally:
        _stop()


def _start(settings: PredictorSettings, options: dict[str, Any]) -> None:
    import ray
    from ray import serve
    from ray.serve.config import HTTPOptions
    from ray.serve.schema import LoggingConfig

    for attempt in range(1, _ATTEMPTS + 1):
        try:
            ray.init(logging_level=logging.WARNING, **options)
            serve.start(
                proxy_location="HeadOnly",
                http_options=HTTPOptions(host=settings.host, port=settings.port),
                logging_config=LoggingConfig(log_level=logging.WARNING, enable_access_log=False),
            )
        except Exception as error:  # Ray's errors of this kind share no class
            _stop()
            _log.warning("Ray did not start", attempt=attempt, error=str(error))
            if attempt == _ATTEMPTS:
                raise RayUnavailableError(f"Ray did not start: {error}") from error
        else:
            return


def _stop() -> None:
    import ray
    from ray import serve

    if ray.is_initialized():
        with contextlib.suppress(RuntimeError):  # a controller that died while it started cannot be asked to stop
            serve.shutdown()  # type: ignore[no-untyped-call]
    ray.shutdown()


def _local_ray(settings: PredictorSettings, folder: Path) -> dict[str, Any]:
    return {
        "_temp_dir": os.environ.get(_TEMPORARY, str(folder / "ray")),
        "num_cpus": _CPUS,
        "num_gpus": 0,
        "include_dashboard": False,
        "object_store_memory": settings.object_store_mb * 2**20,
        "log_to_driver": True,
        # On all other addresses Ray would be reachable from the network.
        "_node_ip_address": _LOOPBACK,
    }
