"""Registered versions as the predictor tells of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from closecast.forecasting.card import ModelCard


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a registered model.

    Attributes:
        model: Name of the registered model.
        version: Its number.
        aliases: What the registry calls it: champion, challenger.
        outcome: What the gate made of it.
        reason: Why.
        created_at: When it was registered.
        skill: 1 - mqloss / mqloss of naive in its backtest.
        run_id: The MLflow run that it came from.
        symbol: The one symbol that it may speak for; None for the panel's.
        serving: Whether it speaks now.
    """

    model: str
    version: str
    aliases: tuple[str, ...]
    outcome: str | None
    reason: str | None
    created_at: datetime
    skill: float | None
    run_id: str
    symbol: str | None
    serving: bool = False


@dataclass(frozen=True, slots=True)
class VersionDetails:
    """All that is known of a version.

    Attributes:
        version: What there is in the list too.
        metrics: Measures of the backtest by model and name.
        parameters: Parameters of the training.
        symbols: What it was trained on.
        spec: Its spec.json; None if it has none.
        card: Its model card; None if it was made before versions had one.
    """

    version: Version
    metrics: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    symbols: tuple[str, ...] = ()
    spec: Mapping[str, Any] | None = None
    card: ModelCard | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a version cannot be shown or made champion.

    Attributes:
        kind: Whether it does not exist, or exists and cannot be served.
        reason: Why.
    """

    kind: Literal["unknown", "unfit"]
    reason: str
