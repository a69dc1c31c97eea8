"""A forecast of the next closes of one symbol."""

from datetime import UTC, date, datetime
from typing import Annotated, Any, ClassVar, Final, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from closecast.events.base import Event
from closecast.horizons import HORIZONS, LEVELS
from closecast.symbols import Symbol

BASE_VERSION: Final = "base"
"""The version that speaks while no trained model has been promoted."""

PositivePrice = Annotated[float, Field(gt=0)]


class HorizonForecast(BaseModel):
    """The distribution of one future close."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    horizon: int = Field(ge=1, le=HORIZONS, description="Sessions after the origin.")
    session: date = Field(description="The session whose close is forecast.")
    quantiles: tuple[PositivePrice, ...] = Field(
        min_length=len(LEVELS),
        max_length=len(LEVELS),
        description=f"Prices at the levels {', '.join(map(str, LEVELS))}; never crossing.",
    )

    @model_validator(mode="after")
    def _ascending(self) -> Self:
        if list(self.quantiles) != sorted(self.quantiles):
            raise ValueError("quantiles: must not cross")
        return self


class Forecast(Event):
    """What one model version expects of the next closes of a symbol, seen from its latest session."""

    example: ClassVar[dict[str, Any]] = {
        "schema_version": "1.0",
        "symbol": "PETR4.SA",
        "exchange": "BVMF",
        "currency": "BRL",
        "origin": "2025-06-16",
        "last_close": 32.72,
        "model": "closecast-panel",
        "version": "3",
        "why": "the panel's champion; the symbol has none of its own",
        "skill": 0.06,
        "horizons": [
            {
                "horizon": 1,
                "session": "2025-06-17",
                "quantiles": [31.31, 31.95, 32.37, 32.73, 33.08, 33.5, 34.19],
            }
        ],
        "made_at": "2025-06-16T21:30:01Z",
    }

    symbol: Symbol
    exchange: str = Field(description="Market identifier code (ISO 10383).")
    currency: str = Field(description="Currency of the prices (ISO 4217).")
    origin: date = Field(description="Latest session that the forecast knows.")
    last_close: PositivePrice = Field(description="Close of the origin session, as traded.")
    model: str = Field(description="Name of the model that speaks.")
    version: str = Field(description=f"Its version, or {BASE_VERSION!r} where the base speaks.")
    why: str = Field(
        default="", description="Why this model speaks for the symbol and not another, or the base in its place."
    )
    skill: float | None = Field(
        default=None,
        description="1 - mqloss / mqloss of naive, measured when the version was trained; above 0 is better.",
    )
    horizons: tuple[HorizonForecast, ...] = Field(min_length=1, max_length=HORIZONS)
    made_at: AwareDatetime = Field(default_factory=lambda: datetime.now(UTC))

    def key(self) -> bytes:
        """Return ``symbol|origin``: compaction keeps the latest forecast from each session."""
        return f"{self.symbol}|{self.origin.isoformat()}".encode()

    def partition_key(self) -> bytes:
        """Return the symbol: the forecasts of a symbol stay in order."""
        return self.symbol.encode()
