"""Peer: the least that FastAPI and one uvicorn worker do to take a request apart and return ready-made bytes.

python -m benchmarks.peers.bare_fastapi PORT FILE
"""

import sys
from pathlib import Path

import uvicorn
from fastapi import FastAPI, Response
from pydantic import BaseModel


class Request(BaseModel):
    """What is asked for."""

    symbol: str
    horizon: int = 10


def build(body: bytes) -> FastAPI:
    """Return an application that answers every prediction with the same bytes."""
    app = FastAPI()

    @app.post("/predict")
    async def predict(request: Request) -> Response:
        assert request.symbol
        return Response(body, media_type="application/json")

    return app


if __name__ == "__main__":
    uvicorn.run(
        build(Path(sys.argv[2]).read_bytes()),
        host="127.0.0.1",
        port=int(sys.argv[1]),
        log_level="warning",
        access_log=False,
    )
