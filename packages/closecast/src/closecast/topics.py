"""The topics: names, events, keys and how long records are kept."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from closecast.events import BackfillEvent, BackfillRequest, Event, Forecast, ModelEvent, Quote, TrainingRequest

_DAY_MS: Final = 24 * 60 * 60 * 1000
DEFAULT_PREFIX: Final = "closecast."


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic as it is created and documented.

    Attributes:
        name: Full name, prefix included.
        event: Type of the events on it; None where records are kept as they came.
        description: What its records say, for the generated documents.
        key: What the record key holds.
        config: Topic configuration of Kafka.
        single_partition: Whether it has one partition whatever the settings say.
    """

    name: str
    event: type[Event] | None
    description: str
    key: str
    config: dict[str, str]
    single_partition: bool = False

    @property
    def dead_letters(self) -> "Topic":
        """The topic that keeps what no reader of this one can use."""
        return Topic(
            name=f"{self.name}.dead-letters",
            event=None,
            description=f"Records refused on {self.name}: the original bytes; headers tell where from and why.",
            key="as the source",
            config={"cleanup.policy": "delete", "retention.ms": str(30 * _DAY_MS)},
            single_partition=True,
        )


class Topics:
    """Every topic of one installation, under its prefix."""

    def __init__(self, prefix: str = DEFAULT_PREFIX) -> None:
        self.quotes = Topic(
            name=f"{prefix}quotes",
            event=Quote,
            description="Settled daily quotes, each once; a correction is the next revision of its session.",
            key="symbol|session, partitioned by symbol",
            config={"cleanup.policy": "compact"},
        )
        self.training_requests = Topic(
            name=f"{prefix}training-requests",
            event=TrainingRequest,
            description="What calls for a new model version; its one partition also elects the active trainer.",
            key="model",
            config={"cleanup.policy": "delete", "retention.ms": str(30 * _DAY_MS)},
            single_partition=True,
        )
        self.models = Topic(
            name=f"{prefix}models",
            event=ModelEvent,
            description="The outcome of every training (promoted, rejected, failed), and what a person promoted.",
            key="model",
            config={"cleanup.policy": "compact"},
            single_partition=True,
        )
        self.forecasts = Topic(
            name=f"{prefix}forecasts",
            event=Forecast,
            description="What the serving model expected of the next closes of each symbol, seen from each session.",
            key="symbol|origin, partitioned by symbol",
            config={"cleanup.policy": "compact,delete", "retention.ms": str(400 * _DAY_MS)},
        )
        self.backfill_requests = Topic(
            name=f"{prefix}backfill-requests",
            event=BackfillRequest,
            description="Symbols that were asked for and that there are no quotes of.",
            key="symbol",
            config={"cleanup.policy": "delete", "retention.ms": str(30 * _DAY_MS)},
            single_partition=True,
        )
        self.backfills = Topic(
            name=f"{prefix}backfills",
            event=BackfillEvent,
            description="The outcome of every backfill request; what was served is kept up to date from then on.",
            key="symbol",
            config={"cleanup.policy": "compact"},
            single_partition=True,
        )

    def __iter__(self) -> Iterator[Topic]:
        """Iterate over every topic, dead letters included."""
        yield from (self.quotes, self.training_requests, self.models, self.forecasts)
        yield from (self.backfill_requests, self.backfills)
        for read_in_a_group in (self.quotes, self.training_requests, self.backfill_requests):
            yield read_in_a_group.dead_letters
