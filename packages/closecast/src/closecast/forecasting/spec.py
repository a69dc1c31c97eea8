"""spec.json: all of a model version that is not its weights."""

from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from closecast.forecasting.base import BaseParameters, Shape
from closecast.forecasting.features import FEATURES, WARM_UP
from closecast.horizons import HORIZONS, LEVELS

SPEC_FILE: Final = "spec.json"
ONNX_FILE: Final = "model.onnx"
WEIGHTS_FILE: Final = "model.safetensors"

Positive = Annotated[float, Field(gt=0)]


class InvalidBundleError(ValueError):
    """A folder that holds no model version that this code can serve; the message says why."""


class Span(BaseModel):
    """A range of sessions, both ends included."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    start: date
    end: date


class Slices(BaseModel):
    """Which sessions each part of a training saw; between two slices lies a purge of the longest horizon."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    training: Span = Field(description="Weights, scalers, the base and its shape.")
    validation: Span = Field(description="When to stop.")
    calibration: Span = Field(description="Conformal factors of the quantiles.")
    test: Span = Field(description="The metrics.")


class Hyperparameters(BaseModel):
    """The settings that the weights came from, all of them resolved."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    epochs: int = Field(ge=1, description="Most epochs allowed.")
    best_epoch: int = Field(ge=0, description="Epoch whose weights are kept; 0 is the regression without LSTMs.")
    ridge: float = Field(ge=0)
    members: int = Field(ge=0)
    hidden_size: int = Field(ge=1)
    layers: int = Field(ge=1)
    dropout: float = Field(ge=0, lt=1)
    learning_rate: float = Field(gt=0)
    weight_decay: float = Field(ge=0)
    batch_size: int = Field(ge=1)
    patience: int = Field(ge=1)
    seed: int = Field(ge=0)


class ModelSpec(BaseModel):
    """Describes a model version so that it can be served, judged and trained again."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False, protected_namespaces=())

    schema_version: Literal["1.0"] = "1.0"
    model: str = Field(description="Name of the model.")
    created_at: datetime
    universe: tuple[str, ...] = Field(min_length=1, description="Symbols that the weights were trained on.")
    calendars: tuple[str, ...] = Field(description="Exchanges (ISO 10383) of the universe.")
    slices: Slices
    data_fingerprint: str = Field(description="Hash of the panel; see `Panel.fingerprint`.")
    horizons: int = HORIZONS
    levels: tuple[float, ...] = LEVELS

    features: tuple[str, ...] = Field(default=FEATURES, description="Inputs of the network, in order.")
    feature_mean: tuple[float, ...] = Field(description="Subtracted from each feature.")
    feature_scale: tuple[Positive, ...] = Field(description="Divides each feature after that.")
    warm_up: int = Field(default=WARM_UP, ge=0, description="Sessions before the sequence, for smoothed features.")
    sequence_length: int = Field(ge=1, description="Sessions that the network reads.")
    minimum_history: int = Field(ge=1, description="Sessions below which a symbol gets the base alone.")
    base: BaseParameters
    calibration: Shape = Field(description="Factor of each quantile's distance from the median, by horizon.")

    hyperparameters: Hyperparameters
    metrics: dict[str, dict[str, float]] = Field(
        default_factory=dict, description="Metrics on the test slice: candidate, baselines and champion."
    )
    prediction_steps: int = Field(
        default=HORIZONS,
        ge=1,
        le=HORIZONS,
        description="Horizons, from 1 to this, over which a symbol's own model had to beat the panel's as well.",
    )
    panel_version: str | None = Field(
        default=None, description="The panel's champion that a symbol's own model was judged beside, if there was one."
    )
    skill: float | None = Field(default=None, description="1 - mqloss / mqloss of naive on the test slice.")
    skill_by_horizon: tuple[float, ...] = Field(default=(), description="The same for each horizon.")
    library_versions: dict[str, str] = Field(default_factory=dict)

    @property
    def context(self) -> int:
        """Sessions of a history that a forecast can depend on; older ones change nothing."""
        return self.warm_up + self.sequence_length

    @field_validator("horizons", "levels", "features")
    @classmethod
    def _as_this_code(cls, value: object, info: object) -> object:
        expected = {"horizons": HORIZONS, "levels": LEVELS, "features": FEATURES}[str(getattr(info, "field_name", ""))]
        if value != expected:
            msg = f"the model was made for {value}, this code computes {expected}"
            raise ValueError(msg)
        return value

    @model_validator(mode="after")
    def _one_scale_a_feature(self) -> Self:
        if not len(self.feature_mean) == len(self.feature_scale) == len(self.features):
            raise ValueError("feature_mean and feature_scale need one number a feature")
        return self

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read spec.json of a model version's folder.

        Raises:
            InvalidBundleError: If it is missing, or not one that this code can serve.
        """
        try:
            return cls.model_validate_json((folder / SPEC_FILE).read_bytes())
        except OSError as error:
            raise InvalidBundleError(f"{SPEC_FILE}: cannot be read: {error.strerror}") from error
        except ValidationError as error:
            fault = error.errors(include_url=False)[0]
            raise InvalidBundleError(f"{SPEC_FILE}: {'.'.join(map(str, fault['loc']))}: {fault['msg']}") from error
