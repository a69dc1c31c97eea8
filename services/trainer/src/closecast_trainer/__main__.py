"""The command ``closecast-trainer``."""

import logging
import os
import signal
import sys
from collections.abc import Sequence
from threading import Event as Flag
from typing import Final

from kafka.errors import KafkaError

from closecast.kafka import (
    BrokerUnavailableError,
    FencedError,
    MissingTopicError,
    StoppedError,
    TooManyInvalidRecordsError,
)
from closecast.ports import PortInUseError
from closecast.settings import load_or_exit
from closecast.telemetry.logs import configure_logs, get_logger
from closecast.telemetry.metrics import serve_metrics
from closecast_trainer.metrics import DEFAULT_PORT, TrainerMetrics
from closecast_trainer.service import TrainerService
from closecast_trainer.settings import TrainerSettings

EXIT_FAILURE: Final = 1
EXIT_USAGE: Final = 2
_log = get_logger(__name__)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the trainer until it is told to stop; return its exit status."""
    settings = load_or_exit(TrainerSettings, arguments)
    configure_logs(settings.log, "trainer")
    logging.getLogger("mlflow").setLevel(logging.WARNING)
    stop = Flag()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        _require_device(settings.device)
        stop_metrics = serve_metrics(settings.metrics, DEFAULT_PORT)
    except (ValueError, PortInUseError) as error:
        sys.stderr.write(f"closecast-trainer: {error}\n")
        return EXIT_USAGE
    service = TrainerService(settings, TrainerMetrics())
    status = 0
    try:
        service.run(stop)
    except StoppedError as error:
        _log.warning(str(error))
    except (BrokerUnavailableError, MissingTopicError, FencedError, TooManyInvalidRecordsError, KafkaError) as error:
        _log.error("the trainer stops", reason=str(error))
        status = EXIT_FAILURE
    stop_metrics()
    _log.info("stopped", status=status)
    if service.abandoned_work:
        # The thread would keep the process alive until MLflow answers; nothing of it counts any more.
        logging.shutdown()
        os._exit(status)
    return status


def _require_device(device: str) -> None:
    """Refuse a GPU that is not there at the start, not at the first training.

    Raises:
        ValueError: If ``cuda`` is asked for and there is none.
    """
    if device == "cuda":
        from closecast_trainer.hardware import resolve_device

        resolve_device(device)


if __name__ == "__main__":
    sys.exit(main())
