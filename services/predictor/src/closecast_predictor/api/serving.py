"""What a replica answers from: the latest snapshot and the models that made it, swapped whole."""

from typing import Final

from closecast_predictor.access.guard import Guard
from closecast_predictor.answers import Answer, list_of
from closecast_predictor.settings import DEFAULT_MAX_BODY, DEFAULT_MAX_HISTORY, DEFAULT_MAX_IN_PROGRESS
from closecast_predictor.snapshot import Lineup, Model, Snapshot

_B3_SUFFIX: Final = ".SA"


class Serving:
    """The state of one replica; a reader takes `answers`, `listed` or `models` once and so never sees a mixture.

    `listed` is the list of all symbols, as JSON.

    Args:
        max_body: Bytes above which a request's body is refused; 0 in a process that is no replica and answers nothing.
        max_history: Most sessions of a history that is sent.
    """

    def __init__(self, max_body: int = DEFAULT_MAX_BODY, max_history: int = DEFAULT_MAX_HISTORY) -> None:
        self.max_body = max_body
        self.max_history = max_history
        self.max_in_progress = DEFAULT_MAX_IN_PROGRESS
        self.guard: Guard | None = None
        self.snapshot: Snapshot | None = None
        self.models: Lineup[Model] | None = None
        self.answers: dict[str, Answer] = {}
        self.listed = list_of({})

    def swap(self, snapshot: Snapshot, models: Lineup[Model]) -> None:
        """Answer from this snapshot from now on."""
        # B3's tickers are known without their suffix too.
        short = {symbol.removesuffix(_B3_SUFFIX): answer for symbol, answer in snapshot.answers.items()}
        answers = short | dict(snapshot.answers)
        listed = list_of(snapshot.answers)
        self.answers, self.listed, self.models, self.snapshot = answers, listed, models, snapshot


SERVING: Final = Serving(max_body=0)
"""The state of this process: Ray Serve makes the HTTP server's middleware and the deployment apart from each other.

Its own proxy, to which HAProxy falls back while no replica is known to be up, makes the middleware too.
"""
