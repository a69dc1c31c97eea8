"""Trainings that are asked for over HTTP."""

from tests.support.release import Release

SYMBOL = "AAPL"


def train(release: Release, **wanted: object) -> str:
    """Ask for a training of one symbol's own model, of one epoch if nothing else is wanted; return its id."""
    answer = release.post("/train", {"symbol": SYMBOL, "epochs": 1} | wanted)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def state_of(release: Release, training: str) -> str:
    """Return how far a training is."""
    return str(release.get(f"/train/{training}").raise_for_status().json()["state"])


def is_judged(release: Release, training: str) -> bool:
    """Tell whether the gate has decided."""
    return state_of(release, training) in {"promoted", "rejected"}
