"""How to reach Kafka."""

from typing import Any, Literal, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import SettingsConfigDict

from closecast.settings import SettingsGroup
from closecast.topics import DEFAULT_PREFIX, Topics


class KafkaSettings(SettingsGroup):
    """Brokers, credentials, and the names and sizes of the topics."""

    model_config = SettingsConfigDict(env_prefix="CLOSECAST_KAFKA_", extra="forbid")

    bootstrap_servers: str = Field(default="localhost:9092", description="Brokers as host:port, comma separated.")
    topic_prefix: str = Field(
        default=DEFAULT_PREFIX,
        pattern=r"^[a-zA-Z0-9._-]{0,100}$",
        description="What all topic names begin with.",
    )
    partitions: int = Field(default=8, ge=1, le=1000, description="Partitions of the topics that are keyed by symbol.")
    replication_factor: int = Field(default=1, ge=1, le=10, description="Copies of each partition, for new topics.")
    connect_timeout_s: float = Field(default=60.0, gt=0, description="How long a start waits for the brokers.")
    longest_pause_ms: int = Field(
        default=0,
        ge=0,
        le=1000,
        description="Longest pause between questions for new records, for brokers that answer at once that there are "
        "none, such as the embedded one; 0 for Kafka, which keeps a question until there are some.",
    )
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None = None
    sasl_username: str | None = None
    sasl_password: SecretStr | None = None
    ssl_cafile: str | None = Field(default=None, description="PEM file of the authorities to trust.")
    ssl_certfile: str | None = Field(default=None, description="PEM file of the client's certificate.")
    ssl_keyfile: str | None = Field(default=None, description="PEM file of the client's key.")

    @model_validator(mode="after")
    def _credentials_are_whole(self) -> Self:
        if self.security_protocol.startswith("SASL") and not (
            self.sasl_mechanism and self.sasl_username and self.sasl_password
        ):
            msg = f"security_protocol {self.security_protocol} needs sasl_mechanism, sasl_username and sasl_password"
            raise ValueError(msg)
        if self.ssl_keyfile and not self.ssl_certfile:
            raise ValueError("ssl_keyfile needs ssl_certfile")
        return self

    @property
    def topics(self) -> Topics:
        """The topics under this prefix."""
        return Topics(self.topic_prefix)

    def client_options(self) -> dict[str, Any]:
        """Return the options that every Kafka client takes."""
        options: dict[str, Any] = {
            "bootstrap_servers": self.bootstrap_servers.split(","),
            "security_protocol": self.security_protocol,
        }
        if self.security_protocol.startswith("SASL"):
            assert self.sasl_password is not None  # noqa: S101 - checked by the validator
            options |= {
                "sasl_mechanism": self.sasl_mechanism,
                "sasl_plain_username": self.sasl_username,
                "sasl_plain_password": self.sasl_password.get_secret_value(),
            }
        if self.security_protocol.endswith("SSL"):
            files = {
                "ssl_cafile": self.ssl_cafile,
                "ssl_certfile": self.ssl_certfile,
                "ssl_keyfile": self.ssl_keyfile,
            }
            options |= {name: file for name, file in files.items() if file}
        return options
