"""Why brokers do not let this process in, in words for its operator."""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from kafka.errors import SaslAuthenticationFailedError

from closecast.kafka.settings import KafkaSettings

_NAME: Final = re.compile(r"certificate is not valid for '(?P<name>[^']*)'")
_DISTRUST: Final = re.compile(r"certificate verify failed: (?P<why>[^(]*[^( ])")
_ASKED_FOR_ONE: Final = re.compile(r"_ALERT_(\w*CERTIFICATE\w*|UNKNOWN_CA)\]")
_TLS: Final = re.compile(r"\[(SSL|X509|PEM)\b.*")


class Refusals(logging.Handler):
    """Hears what kafka-python logs of its tries to connect: it tells nowhere else why they fail.

    Args:
        settings: How they are made.

    Attributes:
        last: Why the last one was refused; None if none was, and it only went unanswered.
    """

    def __init__(self, settings: KafkaSettings) -> None:
        super().__init__(logging.WARNING)
        self._settings = settings
        self.last: str | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Take in the errors that a line is about."""
        for argument in record.args if isinstance(record.args, tuple) else ():
            if isinstance(argument, Exception):
                self.last = _in_words(argument, self._settings) or self.last


@contextmanager
def hearing_refusals(settings: KafkaSettings) -> Iterator[Refusals]:
    """Keep what kafka-python logs of its tries within the block, several lines and stack traces a try, for the reason.

    Args:
        settings: How the tries are made.
    """
    log = logging.getLogger("kafka.net")
    refusals = Refusals(settings)
    log.addHandler(refusals)
    log.propagate = False
    try:
        yield refusals
    finally:
        log.propagate = True
        log.removeHandler(refusals)


def _in_words(error: Exception, settings: KafkaSettings) -> str | None:
    """Return what an error says about settings; None if it only says that no one is there."""
    if isinstance(error, SaslAuthenticationFailedError):
        user = f"user {settings.sasl_username} with this CLOSECAST_KAFKA_SASL_PASSWORD"
        return f"{settings.bootstrap_servers} refuses {user}: {error}"
    if isinstance(error, FileNotFoundError):
        return f"there is no file {', '.join(_missing_files(settings))}"
    return _tls_in_words(str(error), settings)


def _tls_in_words(text: str, settings: KafkaSettings) -> str | None:
    servers = settings.bootstrap_servers
    if found := _NAME.search(text):
        return f"the certificate of {servers} is not valid for the name {found['name']}"
    if found := _DISTRUST.search(text):
        authorities = settings.ssl_cafile or "the system's authorities, as CLOSECAST_KAFKA_SSL_CAFILE is not set"
        return f"the certificate of {servers} is not trusted: {found['why']} (trusted: {authorities})"
    if _ASKED_FOR_ONE.search(text):
        own = settings.ssl_certfile or "none, as CLOSECAST_KAFKA_SSL_CERTFILE is not set"
        return f"{servers} wants a client's certificate that it trusts (sent: {own})"
    if found := _TLS.search(text):
        return f"no TLS with {servers}: {found[0]}"
    return None


def _missing_files(settings: KafkaSettings) -> list[str]:
    files = (settings.ssl_cafile, settings.ssl_certfile, settings.ssl_keyfile)
    return [file for file in files if file and not Path(file).is_file()]
