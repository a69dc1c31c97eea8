"""The `closecast-predictor` command."""

import signal
import sys
import tempfile
import threading
from pathlib import Path
from types import FrameType
from typing import Final

from closecast.ports import PortInUseError, require_free_port
from closecast.settings import load_or_exit
from closecast.telemetry.logs import get_logger
from closecast_predictor.access import commands
from closecast_predictor.access.setup import warn_if_open
from closecast_predictor.ray_output import configure_process_logs, logged_output
from closecast_predictor.ray_runtime import RayUnavailableError, running_ray
from closecast_predictor.settings import PredictorSettings

_FAILED: Final = 1
_log = get_logger(__name__)


def main() -> None:
    """Serve until SIGTERM or SIGINT, or make a key or a password's hash."""
    if sys.argv[1:2] and sys.argv[1] in commands.NAMES:
        commands.run(sys.argv[1:])
        return
    settings = load_or_exit(PredictorSettings)
    settings = settings.model_copy(update={"log": settings.log.resolved()})
    configure_process_logs(settings.log)
    stop = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    try:
        _check_metrics_port(settings)
        with (
            tempfile.TemporaryDirectory(prefix="closecast-") as name,
            logged_output(settings.log),
            running_ray(settings, Path(name)),
        ):
            # Ray has put handlers of its own beside ours.
            configure_process_logs(settings.log)
            settings = settings.model_copy(update={"cache": settings.cache or Path(name) / "models"})
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, end)
            _serve_until(stop, settings)
    except (PortInUseError, RayUnavailableError) as error:
        sys.stderr.write(f"closecast-predictor: {error}\n")
        raise SystemExit(_FAILED) from None


def _serve_until(stop: threading.Event, settings: PredictorSettings) -> None:
    from ray import serve

    from closecast_predictor.app import NAME, application

    warn_if_open(settings, settings.host)
    try:
        serve.run(application(settings), name=NAME, route_prefix="/")
    except RuntimeError as error:
        raise RayUnavailableError(f"the deployments did not start: {error}") from error
    _log.info("serving", address=f"http://{settings.host}:{settings.port}", docs="/docs", metrics="/metrics")
    stop.wait()
    _log.info("stopping")


def _check_metrics_port(settings: PredictorSettings) -> None:
    port = settings.default_metrics_port if settings.metrics.port is None else settings.metrics.port
    if port:
        require_free_port(settings.metrics.host, port, "CLOSECAST_METRICS_PORT or --metrics.port")


if __name__ == "__main__":
    main()
