"""What the trainer tells Prometheus."""

from itertools import product
from typing import Final, Literal, get_args

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram

from closecast.events import TrainingOutcome

Work = Literal["trained", "known"]
"""Whether a request led to a training, or its outcome was known."""

DEFAULT_PORT: Final = 9202
_TRAINING_SECONDS: Final = (1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200)


class TrainerMetrics:
    """The trainer's instruments; ``process_*`` come with the default registry.

    Args:
        registry: Where they are registered.
    """

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        self.leader = Gauge(
            "closecast_trainer_leader", "1 on the active trainer, 0 on one that stands by.", registry=registry
        )
        self.quotes = Counter("closecast_trainer_quotes", "Quotes stored in the history.", registry=registry)
        self.dead_letters = Counter(
            "closecast_trainer_dead_letters", "Records refused, by topic.", ["topic"], registry=registry
        )
        self.lag = Gauge(
            "closecast_trainer_quotes_lag", "Records of the quotes topic not stored yet.", registry=registry
        )
        self.up_to_date = Gauge(
            "closecast_trainer_up_to_date",
            "1 while every quote is stored and they call for no training.",
            registry=registry,
        )
        self.trainings = Counter(
            "closecast_trainer_trainings",
            "Requests answered, by outcome and by whether a model was trained or the outcome was known.",
            ["outcome", "work"],
            registry=registry,
        )
        self.training_seconds = Histogram(
            "closecast_trainer_training_seconds",
            "Time from a request to its outcome.",
            buckets=_TRAINING_SECONDS,
            registry=registry,
        )
        self.training = Gauge("closecast_trainer_training", "1 while a training runs.", registry=registry)
        self.epoch = Gauge("closecast_trainer_epoch", "Epochs done in the current training.", registry=registry)
        self.loss = Gauge(
            "closecast_trainer_loss", "Loss after the latest epoch, by data split.", ["split"], registry=registry
        )
        self.last_session = Gauge(
            "closecast_trainer_last_trained_session_timestamp_seconds",
            "Latest session that the last training saw, as midnight UTC.",
            registry=registry,
        )
        self.registry_up = Gauge("closecast_trainer_registry_up", "0 while MLflow does not answer.", registry=registry)
        self.registry_retries = Counter(
            "closecast_trainer_registry_retries", "Calls to MLflow that had to be repeated.", registry=registry
        )
        self.registry_up.set(1)
        # Prometheus sees no increase of a series that was not there before.
        for outcome, work in product(get_args(TrainingOutcome), get_args(Work)):
            self.trainings.labels(outcome, work)
