"""The command `closecast-ingestor`."""

import gc
import signal
import sys
import threading
from collections.abc import Sequence
from types import FrameType
from typing import Final

from kafka.errors import KafkaError

from closecast.kafka.errors import (
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
from closecast_ingestor.commands import execute
from closecast_ingestor.metrics import DEFAULT_PORT
from closecast_ingestor.settings import IngestorSettings
from closecast_ingestor.sources.base import SourceError

EXIT_FAILED: Final = 1
EXIT_FENCED: Final = 3
_GARBAGE_THRESHOLD: Final = 50_000
_UNENDING: Final = ("run", "serve")
_LONG_RUNNING: Final = (*_UNENDING, "replay")
"""Commands that serve metrics by themselves; the others do where a port is set, and so start beside them."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the ingestor and return its exit status."""
    settings = load_or_exit(IngestorSettings, arguments)
    configure_logs(settings.log, "ingestor")
    log = get_logger(__name__)
    stop = _stop_on_signals()
    spare_the_collector()
    default_port = DEFAULT_PORT if settings.command in _LONG_RUNNING else 0
    try:
        stop_metrics = serve_metrics(settings.metrics, default_port)
        try:
            complete = execute(settings, stop)
        finally:
            stop_metrics()
    except FencedError as error:
        log.error(str(error))  # noqa: TRY400 - one clear line
        return EXIT_FENCED
    except StoppedError as error:
        log.warning(str(error))
        return 0 if settings.command in _UNENDING else EXIT_FAILED
    except (
        SourceError,
        PortInUseError,
        BrokerUnavailableError,
        MissingTopicError,
        TooManyInvalidRecordsError,
    ) as error:
        log.error(str(error))  # noqa: TRY400
        return EXIT_FAILED
    except KafkaError as error:
        log.error("Kafka has failed", error=f"{type(error).__name__}: {error}")  # noqa: TRY400
        return EXIT_FAILED
    return 0 if complete else EXIT_FAILED


def spare_the_collector() -> None:
    """Keep the garbage collector from walking over modules and quotes, which make no cycles, again and again.

    With Python's own thresholds it takes a third of the time between reading a row and sending it.
    """
    gc.freeze()
    gc.set_threshold(_GARBAGE_THRESHOLD)


def _stop_on_signals() -> threading.Event:
    stop = threading.Event()

    def ask_to_stop(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, ask_to_stop)
    return stop


if __name__ == "__main__":
    sys.exit(main())
