"""POST /predict of a history that the client sends: one replica against the API of the usual tutorial.

The tutorial's API is asked for its known symbol, as in `benchmarks.predict`: it takes no histories.
"""

import sys
from typing import Final

import orjson

from benchmarks.pairs import CONNECTIONS, ROUNDS, SECONDS, Question, figures, measure, peer
from benchmarks.peers.tutorial_api import token
from benchmarks.report import Target, report
from benchmarks.system import b3_quotes, running_system
from closecast.events import Quote

SESSIONS: Final = 260
SYMBOL: Final = "PETR3.SA"
_FIELDS: Final = ("open", "high", "low", "close", "volume")
_LEAST: Final = 3.0


def main() -> int:
    """Measure, report, and return 0 if the targets were met."""
    quotes = b3_quotes(21, 400)
    with running_system(quotes) as system, peer("tutorial_api") as address:
        headers = {"Authorization": f"Bearer {token()}"}
        tutorial = Question(f"{address}/predict", orjson.dumps({"symbol": SYMBOL}), headers)
        pairs = {
            name: measure(question, tutorial)
            for name, question in _questions(f"{system.address}/predict", quotes[SYMBOL][-SESSIONS:]).items()
        }
    rows = {name: figures(pair.candidate) for name, pair in pairs.items()}
    rows |= {f"the tutorial beside {name}": figures(pair.peer) for name, pair in pairs.items()}
    targets = [Target(f"{name}, as a multiple of the tutorial's", pair.speed, _LEAST) for name, pair in pairs.items()]
    failures = sum(pair.failures for pair in pairs.values())
    targets.append(Target("failed requests", float(failures), 0.0, at_least=False))
    title = f"POST /predict of {SESSIONS} sessions, {CONNECTIONS} connections, {ROUNDS} rounds of {SECONDS:g} s"
    return 0 if report("histories", title, rows, targets) else 1


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
