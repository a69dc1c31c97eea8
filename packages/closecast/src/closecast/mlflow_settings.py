"""Where the record of models is, and the names in it that services agree on; MLflow itself is not imported here."""

from typing import Final
from uuid import UUID

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from closecast.events import ModelName
from closecast.model_names import ModelNames
from closecast.settings import SettingsGroup

DEFAULT_MODEL: Final = "closecast-panel"
CHAMPION: Final = "champion"
"""Alias of the version that is served."""
CHALLENGER: Final = "challenger"
"""Alias of the latest version that the gate refused."""
ARTIFACT_PATH: Final = "model"
"""Folder of a run that holds the version: model.onnx, model.safetensors, spec.json and the model card."""
OUTCOME_FILE: Final = "outcome.json"
"""Artifact of a run: the model event that tells what became of it."""
REQUEST_TAG: Final = "closecast.request_id"
"""Tag of a run: the training request that it answers."""
STATE_TAG: Final = "closecast.state"
"""Tag of a run: DECIDED once its outcome is fixed, APPLIED once the registry shows it; none while it trains."""
DECIDED: Final = "decided"
APPLIED: Final = "applied"
OUTCOME_TAG: Final = "closecast.outcome"
"""Tag of a run and of its version: promoted, rejected or failed."""
REASON_TAG: Final = "closecast.reason"
"""Tag of a run and of its version: why."""
SKILL_TAG: Final = "closecast.skill"
"""Tag of a version: 1 - mqloss / mqloss of naive."""
CHOSEN_TAG: Final = "closecast.chosen"
"""Tag of a registered model: the version that a person promoted last, a space, and when; set before the alias moves, so
that whoever moves the alias at the same moment sees it."""
CLIENT_ENVIRONMENT: Final = {
    "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
    "MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD": "false",
    "MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD": "false",
}
"""What MLflow's clients go by: nothing is unpickled, and files pass through the server, which alone can reach the store
behind it; one that has them in S3 would send its clients there."""


def answer_tag(request_id: UUID) -> str:
    """Return the tag of a run that also answers this request, which asked for a training that was done already."""
    return f"closecast.answers.{request_id}"


class MlflowSettings(SettingsGroup):
    """The MLflow server, and the name that versions are registered under."""

    model_config = SettingsConfigDict(env_prefix="CLOSECAST_MLFLOW_", extra="forbid")

    tracking_uri: str = Field(default="http://localhost:5000", description="Address of the MLflow server.")
    experiment: str = Field(default="closecast", min_length=1, description="Experiment that the runs go to.")
    model: ModelName = Field(
        default=DEFAULT_MODEL,
        max_length=63,
        description="Registered model of the panel; a symbol's own is called as it, with the symbol instead of panel.",
    )
    timeout_s: float = Field(default=30.0, gt=0, description="How long one request may take.")

    @property
    def names(self) -> ModelNames:
        """The names of the panel's model and of the symbols' own."""
        return ModelNames(self.model)
