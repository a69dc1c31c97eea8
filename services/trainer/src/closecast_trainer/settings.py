"""Settings of the trainer: flags, then ``CLOSECAST_…`` in the environment, then defaults."""

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from closecast.kafka import InvalidRecordLimits, KafkaSettings
from closecast.mlflow_settings import MlflowSettings
from closecast.settings import ServiceSettings, SettingsGroup, service_config
from closecast.telemetry.logs import LogSettings
from closecast.telemetry.metrics import MetricsSettings
from closecast_trainer.config import GateSettings, TrainingConfig
from closecast_trainer.policy import PolicySettings


class TrainingSettings(SettingsGroup, TrainingConfig):
    """How to train where a request says nothing."""

    model_config = SettingsConfigDict(env_prefix="CLOSECAST_TRAINER_TRAINING_", extra="forbid", frozen=True)


class InvalidRecordSettings(SettingsGroup, InvalidRecordLimits):
    """When bad records stop the trainer instead of going to the dead letters."""

    model_config = SettingsConfigDict(env_prefix="CLOSECAST_TRAINER_INVALID_RECORDS_", extra="forbid", frozen=True)


class PromotionSettings(SettingsGroup, GateSettings):
    """When a candidate is refused."""

    model_config = SettingsConfigDict(env_prefix="CLOSECAST_TRAINER_GATE_", extra="forbid", frozen=True)


class GroupSettings(SettingsGroup):
    """The consumer group; the member that holds the partition of training requests is the active trainer."""

    model_config = SettingsConfigDict(env_prefix="CLOSECAST_TRAINER_GROUP_", extra="forbid", frozen=True)

    id: str = Field(
        default="closecast-trainer",
        pattern=r"^[a-zA-Z0-9._-]{1,200}$",
        description="Consumer group, where lag is read; trainers with the same one relieve each other.",
    )
    session_timeout_s: float = Field(
        default=10.0, ge=6, le=300, description="After how long a silent trainer is taken for dead."
    )
    max_poll_interval_s: float = Field(
        default=60.0, gt=0, description="After how long without polling one is taken for stuck."
    )


class TrainerSettings(ServiceSettings):
    """Keep the history of quotes, train when they or a request call for it, and register what passes the gate.

    Every flag is also a key in the environment: --policy.quiet-s is CLOSECAST_TRAINER_POLICY_QUIET_S. The groups that
    services share (kafka, mlflow, metrics, log) go without TRAINER: CLOSECAST_KAFKA_BOOTSTRAP_SERVERS.

    Where RAY_ADDRESS names a Ray cluster (ray://HOST:10001), the LSTMs of each training are taught on its nodes.
    """

    model_config = service_config("TRAINER", "closecast-trainer")

    device: Literal["auto", "cpu", "cuda"] = Field(
        default="auto", description="Where to train: auto takes a GPU if there is one."
    )
    state_dir: Path = Field(
        default=Path(".closecast/trainer"), description="Folder of the history; it can be rebuilt from Kafka."
    )
    group: GroupSettings = Field(default_factory=GroupSettings)
    policy: PolicySettings = Field(default_factory=PolicySettings)
    training: TrainingSettings = Field(default_factory=TrainingSettings)
    gate: PromotionSettings = Field(default_factory=PromotionSettings)
    invalid_records: InvalidRecordSettings = Field(default_factory=InvalidRecordSettings)
    kafka: KafkaSettings = Field(default_factory=KafkaSettings)
    mlflow: MlflowSettings = Field(default_factory=MlflowSettings)
    metrics: MetricsSettings = Field(default_factory=MetricsSettings)
    log: LogSettings = Field(default_factory=LogSettings)
