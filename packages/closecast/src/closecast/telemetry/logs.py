"""Structured logs: for people on a terminal, JSON for machines; both carry symbol, session and request id."""

import logging
import sys
from typing import Final, Literal, Self, TextIO

import structlog
from pydantic import Field
from pydantic_settings import SettingsConfigDict
from structlog.typing import EventDict, Processor, WrappedLogger

from closecast.settings import SettingsGroup

_CHATTY: Final = (
    "kafka",
    "urllib3",
    "alembic",
    "matplotlib",
    "yfinance",
    "peewee",
    "httpx",
    "onnxscript",
    "torch.onnx",
    "grpc",
    "ray",
    "ray.serve",
)


class LogSettings(SettingsGroup):
    """How much is logged, and in what form."""

    model_config = SettingsConfigDict(env_prefix="CLOSECAST_LOG_", extra="forbid")

    level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="Least severity logged.")
    format: Literal["auto", "console", "json"] = Field(
        default="auto", description="auto: console on a terminal, JSON otherwise."
    )

    @property
    def console(self) -> bool:
        """Whether this process writes for people."""
        return sys.stderr.isatty() if self.format == "auto" else self.format == "console"

    def resolved(self) -> Self:
        """Return the same with the format spelt out, for processes whose output ends up on this one's."""
        return self.model_copy(update={"format": "console" if self.console else "json"})


def configure_logs(settings: LogSettings, service: str, stream: TextIO | None = None) -> None:
    """Send the logs of this process, and of the libraries in it, to standard error.

    Args:
        settings: How much, and in what form.
        service: Named on every line.
        stream: Where to instead.

    Values bound with ``structlog.contextvars.bound_contextvars(symbol=…, request_id=…)`` appear on every line logged
    inside that block, library lines included.
    """
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        _name_service(service),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_renderers(settings)],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.level.upper())
    _take_over_loggers()
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("kafka.net.selector").setLevel(logging.ERROR)  # it warns of every busy tenth of a second
    logging.captureWarnings(capture=True)


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """Return the logger of a module."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger


def _take_over_loggers() -> None:
    """Have libraries that brought handlers of their own write as all others do."""
    for logger in logging.root.manager.loggerDict.values():
        if isinstance(logger, logging.Logger) and logger.handlers:
            logger.handlers.clear()
            logger.propagate = True


def _renderers(settings: LogSettings) -> list[Processor]:
    if settings.console:
        return [
            structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback)
        ]
    return [structlog.processors.dict_tracebacks, structlog.processors.JSONRenderer()]


def _name_service(service: str) -> Processor:
    def add_service(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        event["service"] = service
        return event

    return add_service
