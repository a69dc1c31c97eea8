"""Peer: the API of the usual tutorial, which forecasts the next close of a symbol at each request.

It checks a JWT, takes the last 68 quotes of the symbol into a pandas frame, fits scikit-learn's MinMaxScaler to the
closes, and asks a two-layer LSTM in torch about the window of the last 60; one uvicorn worker serves it. What a
tutorial leaves to chance is chosen in its favour: the quotes lie in memory, torch uses one thread, and the endpoint is
a coroutine, so that threads do not take the interpreter from each other.

python -m benchmarks.peers.tutorial_api PORT
"""

import sys
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Final

import jwt
import numpy as np
import pandas as pd
import torch
import uvicorn
from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import OAuth2PasswordBearer
from pydantic import BaseModel
from sklearn.preprocessing import MinMaxScaler

from closecast_backtest.peers.level import WINDOW, LevelNetwork

ROWS: Final = 68
SYMBOL: Final = "PETR3.SA"
_SECRET: Final = "the secret of a benchmark, known to all who read it"  # noqa: S105 - guards nothing
_ALGORITHM: Final = "HS256"


class Prediction(BaseModel):
    """What is answered."""

    symbol: str
    predicted_close: float
    last_close: float
    date: date


class Question(BaseModel):
    """What is asked for."""

    symbol: str


def token() -> str:
    """Return a token that the peer accepts for an hour."""
    claims = {"sub": "benchmark", "exp": datetime.now(UTC) + timedelta(hours=1)}
    return jwt.encode(claims, _SECRET, algorithm=_ALGORITHM)


def build() -> FastAPI:
    """Return the application."""
    app = FastAPI()
    network = LevelNetwork().eval()
    quotes = {SYMBOL: _quotes()}
    bearer = OAuth2PasswordBearer(tokenUrl="token")

    async def current_user(given: Annotated[str, Depends(bearer)]) -> str:
        try:
            return str(jwt.decode(given, _SECRET, algorithms=[_ALGORITHM])["sub"])
        except jwt.InvalidTokenError as error:
            raise HTTPException(401, "invalid token") from error

    @app.post("/predict")
    async def predict(question: Question, _user: Annotated[str, Depends(current_user)]) -> Prediction:
        if question.symbol not in quotes:
            raise HTTPException(404, "unknown symbol")
        frame = pd.DataFrame(quotes[question.symbol])
        frame["date"] = pd.to_datetime(frame["date"])
        frame = frame.sort_values("date").set_index("date")
        scaler = MinMaxScaler()
        scaled = scaler.fit_transform(frame[["close"]].to_numpy())
        window = torch.tensor(scaled[-WINDOW:], dtype=torch.float32).unsqueeze(0)
        with torch.no_grad():
            predicted = network(window).numpy().reshape(1, 1)
        return Prediction(
            symbol=question.symbol,
            predicted_close=float(scaler.inverse_transform(predicted)[0, 0]),
            last_close=float(frame["close"].iloc[-1]),
            date=(frame.index[-1] + pd.offsets.BDay(1)).date(),
        )

    return app


def _quotes() -> list[dict[str, Any]]:
    closes = 30 * np.exp(np.cumsum(np.random.default_rng(0).normal(0, 0.02, ROWS)))
    days = pd.bdate_range("2025-01-02", periods=ROWS)
    return [
        {
            "date": str(day.date()),
            "open": round(close * 0.99, 2),
            "high": round(close * 1.02, 2),
            "low": round(close * 0.98, 2),
            "close": round(close, 2),
            "volume": 1_000_000 + at,
        }
        for at, (day, close) in enumerate(zip(days, closes.tolist(), strict=True))
    ]


if __name__ == "__main__":
    torch.set_num_threads(1)
    uvicorn.run(build(), host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", access_log=False)
