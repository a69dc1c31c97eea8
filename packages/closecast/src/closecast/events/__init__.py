"""The contracts between the services: every event that crosses Kafka."""

from closecast.events.backfill import BackfillEvent, BackfillOutcome, BackfillRequest
from closecast.events.base import SCHEMA_VERSION, Event, InvalidEventError, describe_errors
from closecast.events.dead_letter import DeadLetter
from closecast.events.forecast import BASE_VERSION, Forecast, HorizonForecast
from closecast.events.model_event import Decider, ModelEvent, TrainingOutcome
from closecast.events.quote import Quote, quote_key
from closecast.events.training_request import (
    BatchSize,
    Epochs,
    Hyperparameters,
    ModelName,
    PredictionSteps,
    TrainingReason,
    TrainingRequest,
)

__all__ = [
    "BASE_VERSION",
    "SCHEMA_VERSION",
    "BackfillEvent",
    "BackfillOutcome",
    "BackfillRequest",
    "BatchSize",
    "DeadLetter",
    "Decider",
    "Epochs",
    "Event",
    "Forecast",
    "HorizonForecast",
    "Hyperparameters",
    "InvalidEventError",
    "ModelEvent",
    "ModelName",
    "PredictionSteps",
    "Quote",
    "TrainingOutcome",
    "TrainingReason",
    "TrainingRequest",
    "describe_errors",
    "quote_key",
]
