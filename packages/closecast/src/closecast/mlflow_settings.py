"""Where the record of models is; MLflow itself is not imported here."""

from typing import Final

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from closecast.events import ModelName
from closecast.settings import SettingsGroup

DEFAULT_MODEL: Final = "closecast-panel"
CHAMPION: Final = "champion"
"""Alias of the version that is served."""
CHALLENGER: Final = "challenger"
"""Alias of the latest version that the gate refused."""
ARTIFACT_PATH: Final = "model"
"""Folder of a run that holds the version: model.onnx, model.safetensors and spec.json."""


class MlflowSettings(SettingsGroup):
    """The MLflow server, and the name that versions are registered under."""

    model_config = SettingsConfigDict(env_prefix="CLOSECAST_MLFLOW_", extra="forbid")

    tracking_uri: str = Field(default="http://localhost:5000", description="Address of the MLflow server.")
    experiment: str = Field(default="closecast", min_length=1, description="Experiment that the runs go to.")
    model: ModelName = Field(default=DEFAULT_MODEL, description="Registered model of the panel.")
    timeout_s: float = Field(default=30.0, gt=0, description="How long one request may take.")
