"""Prometheus metrics of a service, and whether it is ready, on a port of their own."""

import errno
from collections.abc import Callable

from prometheus_client import REGISTRY, CollectorRegistry, make_wsgi_app, start_http_server
from pydantic import Field
from pydantic_settings import SettingsConfigDict

from closecast.ports import PortInUseError
from closecast.settings import SettingsGroup
from closecast.telemetry.readiness import READINESS, Readiness, with_health


class MetricsSettings(SettingsGroup):
    """Where Prometheus finds the metrics of this process."""

    model_config = SettingsConfigDict(env_prefix="CLOSECAST_METRICS_", extra="forbid")

    port: int | None = Field(
        default=None,
        ge=0,
        le=65535,
        description="Port of /metrics; the service's own by default, 0 for no metrics.",
    )
    host: str = Field(default="0.0.0.0", description="Address that /metrics listens on.")  # noqa: S104


def serve_metrics(
    settings: MetricsSettings,
    default_port: int,
    registry: CollectorRegistry = REGISTRY,
    readiness: Readiness = READINESS,
) -> Callable[[], None]:
    """Serve /metrics, /livez and /readyz from a background thread and return what stops it.

    Raises:
        PortInUseError: If the port is taken.
    """
    port = default_port if settings.port is None else settings.port
    if port == 0:
        return lambda: None
    try:
        server, thread = start_http_server(port, addr=settings.host, registry=registry)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        msg = f"port {port} for metrics is in use; set CLOSECAST_METRICS_PORT or --metrics.port to a free one"
        raise PortInUseError(msg) from error

    server.set_app(with_health(make_wsgi_app(registry), readiness))

    def stop() -> None:
        server.shutdown()
        thread.join()
        server.server_close()

    return stop
