"""card.json: what a model version is for, what it must not be used for, and how it fared, for people to read.

The sections are those of Mitchell et al., Model Cards for Model Reporting (FAT* 2019).
"""

from datetime import datetime
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from closecast.forecasting.spec import Slices
from closecast.horizons import HORIZONS, LEVELS

CARD_FILE: Final = "card.json"
CARD_PAGE: Final = "card.md"
"""The same as Markdown."""

INTERVALS: Final = (0.5, 0.8, 0.95)
"""Nominal coverage of the central intervals between the quantiles at `LEVELS`, the inmost first."""

Probability = Annotated[float, Field(ge=0, le=1)]
Bounds = tuple[float, float]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False, protected_namespaces=())


class CardData(_Part):
    """What the version was trained and judged on."""

    symbols: tuple[str, ...] = Field(description="The universe.")
    calendars: tuple[str, ...] = Field(description="Exchanges (ISO 10383) of the universe.")
    slices: Slices = Field(description="Sessions of each part of the training; the metrics are those of the last.")
    fingerprint: str = Field(description="Hash of the histories.")
    origins: int = Field(description="Symbols and sessions that were forecast from in the test slice.")
    origin_sessions: int = Field(description="Sessions among them.")
    step: int = Field(description="Sessions between two origins.")


class Difference(_Part):
    """How the version's mean loss compares with a reference's at the same origins; below 0 the version is better.

    Losses are averaged over the symbols of each session first: sessions count alike.
    """

    mean: float = Field(description="The version's mean loss minus the reference's.")
    reference: float = Field(description="The reference's mean loss.")
    interval: Bounds | None = Field(description="95 % confidence interval of the mean; null with too few sessions.")
    p_worse: Probability | None = Field(
        description="One-sided Diebold-Mariano probability of such a mean if there were no difference; the gate's."
    )

    @property
    def relative(self) -> float | None:
        """The mean as a share of the reference's loss; None if that is 0."""
        return self.mean / self.reference if self.reference else None

    @property
    def relative_interval(self) -> Bounds | None:
        """The interval as shares of the reference's loss; None if there is none."""
        if self.interval is None or not self.reference:
            return None
        return self.interval[0] / self.reference, self.interval[1] / self.reference

    @property
    def verdict(self) -> Literal["better", "worse", "undecided"]:
        """On which side of 0 the whole interval lies."""
        if self.interval is None:
            return "undecided"
        return "better" if self.interval[1] < 0 else "worse" if self.interval[0] > 0 else "undecided"


class Comparison(_Part):
    """How the version compares with a reference."""

    pinball: Difference = Field(description="In pinball loss of log returns, averaged over the quantiles.")
    absolute_error: Difference = Field(description="In absolute error of the median, in log returns.")


class Share(_Part):
    """How often something came that was forecast with a probability."""

    nominal: Probability = Field(description="The probability.")
    observed: Probability = Field(description="The share.")
    consistent: tuple[Probability, Probability] = Field(
        description="Where the share lies 19 times out of 20 if the forecasts are calibrated."
    )

    @property
    def is_consistent(self) -> bool:
        """Whether chance can explain what was observed."""
        return self.consistent[0] <= self.observed <= self.consistent[1]


class Calibration(_Part):
    """How often closes came below each quantile, and within each interval."""

    quantiles: tuple[Share, ...] = Field(description="Closes at or below each quantile: the reliability diagram.")
    intervals: tuple[Share, ...] = Field(description="Closes within the central intervals of 50, 80 and 95 %.")


class Results(_Part):
    """How the version fared at one horizon, or over all of them."""

    horizon: int | None = Field(description=f"Sessions ahead; null for 1 to {HORIZONS} together.")
    metrics: dict[str, dict[str, float]] = Field(
        description="Metrics by name for the candidate, which is this version, each baseline and the champions."
    )
    against: dict[str, Comparison] = Field(description="The candidate beside each of the others.")
    calibration: Calibration | None = Field(description="Of the candidate; null if its quantiles are no numbers.")


class SymbolResults(_Part):
    """How the version fared with one symbol, over all horizons."""

    symbol: str
    origins: int
    against: dict[str, Difference] = Field(description="In pinball loss, beside the base and naive.")
    coverage: tuple[Probability, ...] = Field(description="Share of closes within the intervals of 50, 80 and 95 %.")


class GateVerdict(_Part):
    """What the promotion gate decided at the end of the training."""

    promoted: bool
    reasons: tuple[str, ...]


class ModelCard(_Part):
    """What a model version is, what it is and is not for, and how it fared on sessions that it had not seen."""

    schema_version: Literal["1.0"] = "1.0"
    model: str = Field(description="Name of the model.")
    created_at: datetime
    description: str = Field(description="What kind of model it is.")
    intended_use: tuple[str, ...]
    out_of_scope: tuple[str, ...] = Field(description="What it must not be used for.")
    data: CardData
    gate: GateVerdict
    findings: tuple[str, ...] = Field(description="What the figures say, also where the network adds nothing.")
    levels: tuple[float, ...] = Field(default=LEVELS, description="The quantiles that it forecasts.")
    overall: Results = Field(description="Over all horizons.")
    by_horizon: tuple[Results, ...] = Field(description=f"For each horizon, 1 to {HORIZONS}.")
    symbols: tuple[SymbolResults, ...] = Field(description="For each symbol that was judged.")
    caveats: tuple[str, ...]
