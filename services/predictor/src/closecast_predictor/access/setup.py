"""Makes the guard of a replica from the settings, and says so where there is none and there should be."""

import ipaddress

from closecast.telemetry.logs import get_logger
from closecast_predictor.access.authenticator import Authenticator
from closecast_predictor.access.guard import Guard
from closecast_predictor.access.limits import RateLimit
from closecast_predictor.settings import PredictorSettings

_log = get_logger(__name__)


def guard_of(settings: PredictorSettings) -> Guard | None:
    """Return the guard that the settings ask for; None where everything is open, so that it costs nothing."""
    if not (settings.auth.on or settings.rate_limit or settings.origins):
        return None
    return Guard(
        Authenticator(settings.auth) if settings.auth.on else None,
        RateLimit(settings.rate_limit) if settings.rate_limit else None,
        settings.origins,
        settings.proxies,
    )


def warn_if_open(settings: PredictorSettings, host: str) -> None:
    """Warn where others than this machine can reach a predictor that asks nobody who they are.

    Args:
        settings: Of the predictor.
        host: What it listens on.
    """
    if not settings.auth.on and not _is_loopback(host):
        _log.warning(
            "whoever reaches this address may train and promote models; set CLOSECAST_AUTH_… (docs/access.md)",
            host=host,
        )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
