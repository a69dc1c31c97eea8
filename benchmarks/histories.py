"""POST /predict of a history that the client sends: one replica against the API of the usual tutorial.

A champion answers, of the size that the trainer makes by default. The tutorial's API is asked for its known symbol, as
in `benchmarks.predict`: it takes no histories.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import httpx
import orjson
from services.predictor.tests.registry import make_champion, settings_of
from tests.support.mlflow import MlflowServer

from benchmarks.pairs import CONNECTIONS, ROUNDS, SECONDS, Question, figures, measure, peer
from benchmarks.peers.tutorial_api import token
from benchmarks.report import Target, report
from benchmarks.system import b3_quotes, running_system
from closecast.events import Quote
from closecast.forecasting.panel import Panel
from closecast.mlflow_settings import MlflowSettings
from closecast_trainer.candidate import make_candidate
from closecast_trainer.config import TrainingConfig

SESSIONS: Final = 260
SYMBOL: Final = "PETR3.SA"
_FIELDS: Final = ("open", "high", "low", "close", "volume")
_LEAST: Final = 3.0


def main() -> int:
    """Measure, report, and return 0 if the targets were met."""
    quotes = b3_quotes(21, 400)
    with TemporaryDirectory(prefix="closecast-bench-") as name, MlflowServer(Path(name)) as server:
        mlflow = settings_of(server.uri)
        _promote(mlflow, Path(name) / "version")
        with running_system(quotes, mlflow=mlflow) as system, peer("tutorial_api") as address:
            headers = {"Authorization": f"Bearer {token()}"}
            tutorial = Question(f"{address}/predict", orjson.dumps({"symbol": SYMBOL}), headers)
            questions = _questions(f"{system.address}/predict", quotes[SYMBOL][-SESSIONS:])
            _require_champion(*questions.values())
            pairs = {name: measure(question, tutorial) for name, question in questions.items()}
    rows = {name: figures(pair.candidate) for name, pair in pairs.items()}
    rows |= {f"the tutorial beside {name}": figures(pair.peer) for name, pair in pairs.items()}
    targets = [Target(f"{name}, as a multiple of the tutorial's", pair.speed, _LEAST) for name, pair in pairs.items()]
    failures = sum(pair.failures for pair in pairs.values())
    targets.append(Target("failed requests", float(failures), 0.0, at_least=False))
    title = f"POST /predict of {SESSIONS} sessions, {CONNECTIONS} connections, {ROUNDS} rounds of {SECONDS:g} s"
    return 0 if report("histories", title, rows, targets) else 1


def _promote(mlflow: MlflowSettings, folder: Path) -> None:
    """Train a model for one epoch, which takes as long to answer as one of sixty, and make it champion."""
    panel = Panel.from_quotes(quote for one in b3_quotes(5, 1500).values() for quote in one)
    make_candidate(panel, folder, TrainingConfig(epochs=1), model=mlflow.model, device="cpu")
    make_champion(mlflow, folder, mlflow.model)


def _require_champion(*questions: Question) -> None:
    for one in questions:
        answer = httpx.post(one.url, content=one.body, headers=one.headers, trust_env=False).raise_for_status().json()
        if answer["version"] != "1":
            raise RuntimeError(f"version {answer['version']} answers, not the champion")


def _questions(url: str, quotes: list[Quote]) -> dict[str, Question]:
    sessions = [{"date": str(one.session), **{name: getattr(one, name) for name in _FIELDS}} for one in quotes]
    lines = [",".join(sessions[0]), *(",".join(map(str, session.values())) for session in sessions)]
    csv = Question(f"{url}?symbol={SYMBOL}", "\n".join(lines).encode(), {"Content-Type": "text/csv"})
    return {
        "closes as JSON": Question(url, orjson.dumps({"history": [one.close for one in quotes]})),
        "sessions as JSON": Question(url, orjson.dumps({"history": sessions, "symbol": SYMBOL})),
        "sessions as CSV": csv,
    }


if __name__ == "__main__":
    sys.exit(main())
