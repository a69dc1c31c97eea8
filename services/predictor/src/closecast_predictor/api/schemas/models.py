"""Registered model versions over HTTP."""

import datetime as dt
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from closecast.events import ModelName
from closecast.forecasting.card import ModelCard
from closecast_predictor.api.schemas.card_example import CARD_EXAMPLE

_VERSION: Final[dict[str, Any]] = {
    "model": "closecast-panel",
    "version": "3",
    "aliases": ["champion"],
    "outcome": "promoted",
    "reason": "no worse than naive, drift, ewma, base, champion; skill against naive +6.1%",
    "created_at": "2025-07-01T12:01:30Z",
    "skill": 0.061,
    "run_id": "8c1f0a6f7b0e4a55b1a7f0c9d9b0f8aa",
    "symbol": None,
    "serving": True,
}


class VersionAnswer(BaseModel):
    """One version of a registered model."""

    model_config = ConfigDict(json_schema_extra={"example": _VERSION})

    model: str = Field(description="Name of the registered model: the panel's, or a symbol's own.")
    version: str
    aliases: tuple[str, ...] = Field(description="champion is served; challenger is the latest that the gate refused.")
    outcome: str | None = Field(description="What the gate made of it at the end of its training.")
    reason: str | None = Field(description="Why.")
    created_at: dt.datetime
    skill: float | None = Field(description="1 - mqloss / mqloss of naive in its backtest; above 0 is better.")
    run_id: str = Field(description="MLflow run that it came from.")
    symbol: str | None = Field(description="The one symbol that it may speak for; null for the panel's.")
    serving: bool = Field(description="Whether it speaks now.")


class ModelsAnswer(BaseModel):
    """The latest registered versions, the latest first."""

    models: list[VersionAnswer]


class VersionDetailsAnswer(VersionAnswer):
    """All that is known of a version."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": _VERSION
            | {
                "metrics": {"candidate": {"mqloss": 0.00951}, "naive": {"mqloss": 0.01012}},
                "parameters": {"epochs": "60", "seed": "0"},
                "symbols": ["PETR4.SA", "VALE3.SA"],
                "spec": {"schema_version": "1.0", "model": "closecast-panel"},
                "card": CARD_EXAMPLE,
            }
        }
    )

    metrics: dict[str, dict[str, float]] = Field(
        description="Metrics of its backtest: its own (candidate), the baselines' and the champions' of the time."
    )
    parameters: dict[str, str] = Field(description="Parameters of its training.")
    symbols: tuple[str, ...] = Field(description="Symbols that it was trained on.")
    spec: dict[str, Any] | None = Field(description="Its spec.json; null if it has none that can be read.")
    card: ModelCard | None = Field(
        description="Its model card: data, uses, what it must not be used for, metrics beside each baseline by horizon "
        "with confidence intervals, calibration; null if it was made before versions had one."
    )


class PromoteRequest(BaseModel):
    """Names the model whose version is to be champion."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{}, {"model": "closecast-petr4.sa"}]})

    model: ModelName | None = Field(default=None, description="Registered model; null for the panel's.")
