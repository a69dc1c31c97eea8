"""Loads what the charts tell the services with the services' own settings."""

from pathlib import Path

import pytest

from closecast.settings import ServiceSettings
from closecast_ingestor.metrics import DEFAULT_PORT as INGESTOR_PORT
from closecast_ingestor.settings import IngestorSettings
from closecast_predictor.settings import PredictorSettings
from closecast_trainer.metrics import DEFAULT_PORT as TRAINER_PORT
from closecast_trainer.settings import TrainerSettings
from tests.charts.charts import RELEASE, Rendering

SERVICES: dict[str, tuple[type[ServiceSettings], list[str]]] = {
    "ingestor": (IngestorSettings, ["run"]),
    "trainer": (TrainerSettings, []),
    "predictor": (PredictorSettings, []),
}
PORTS = {"ingestor": INGESTOR_PORT, "trainer": TRAINER_PORT, "predictor": PredictorSettings.default_metrics_port}
"""Of the metrics."""

SECRETS = {
    "CLOSECAST_KAFKA_SASL_USERNAME": "closecast",
    "CLOSECAST_KAFKA_SASL_PASSWORD": "secret",
    "CLOSECAST_AUTH_SIGNING_KEY": "0123456789abcdef0123456789abcdef",
}


def take_settings(rendering: Rendering, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Load the settings of every service that a rendering has; one that it refuses ends the process.

    Args:
        rendering: Of any chart.
        monkeypatch: Lends the environment.
        folder: For files that stand for the secrets'.
    """
    key = folder / "keys"
    key.write_text("")
    for service, (settings, arguments) in SERVICES.items():
        for config in rendering.of("ConfigMap"):
            if config["metadata"]["name"] != f"{RELEASE}-{service}":
                continue
            environment = config["data"] | {
                name: str(key) for name in config["data"] if name.startswith("CLOSECAST_AUTH_") and "_FILE" in name
            }
            with monkeypatch.context() as patch:
                for name, value in (environment | SECRETS).items():
                    patch.setenv(name, value)
                settings.load(arguments)
