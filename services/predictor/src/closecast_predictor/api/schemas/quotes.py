"""Symbols and their quotes over HTTP."""

import datetime as dt

from pydantic import BaseModel, ConfigDict, Field


class SymbolAnswer(BaseModel):
    """A symbol that forecasts are made of, with the next of them."""

    symbol: str
    exchange: str = Field(description="Market identifier code (ISO 10383).")
    currency: str = Field(description="Currency of the prices (ISO 4217).")
    origin: dt.date = Field(description="Latest session that there is a quote of.")
    last_close: float
    predicted_close: float = Field(description="Median of the next session.")
    lower_80: float = Field(description="Lower bound of the 80 % interval of the next session's close, in `currency`.")
    upper_80: float = Field(description="Upper bound of the 80 % interval of the next session's close, in `currency`.")
    model: str
    version: str = Field(description='Version of the model, or "base" where the base speaks.')


class SymbolsAnswer(BaseModel):
    """All symbols that forecasts are made of."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "symbols": [
                    {
                        "symbol": "PETR4.SA",
                        "exchange": "BVMF",
                        "currency": "BRL",
                        "origin": "2025-06-16",
                        "last_close": 32.72,
                        "predicted_close": 32.72,
                        "lower_80": 31.95,
                        "upper_80": 33.5,
                        "model": "closecast-panel",
                        "version": "3",
                    }
                ]
            }
        }
    )

    symbols: list[SymbolAnswer] = Field(description="In alphabetical order.")


class QuoteAnswer(BaseModel):
    """One session, in the shares of the latest one: a split shows as no jump."""

    session: dt.date
    open: float
    high: float
    low: float
    close: float
    volume: int = Field(description="Shares.")


class QuotesAnswer(BaseModel):
    """The latest sessions of a symbol, oldest first."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "symbol": "PETR4.SA",
                "exchange": "BVMF",
                "currency": "BRL",
                "quotes": [
                    {
                        "session": "2025-06-16",
                        "open": 32.51,
                        "high": 32.98,
                        "low": 32.33,
                        "close": 32.72,
                        "volume": 41230100,
                    }
                ],
            }
        }
    )

    symbol: str
    exchange: str = Field(description="Market identifier code (ISO 10383).")
    currency: str = Field(description="Currency of the prices (ISO 4217).")
    quotes: list[QuoteAnswer]
