"""The stages from the start to the first forecasts: what each waits for, and how it shows."""

from collections.abc import Hashable
from typing import Final, Protocol

from closecast.events import ModelEvent
from closecast_local.observations import Follower, Metrics
from closecast_local.outlook import Outlook, ask_outlook
from closecast_local.processes import Child
from closecast_local.progress import Bar
from closecast_local.readiness import http_answers

_SETTLED_LOOKS: Final = 5
"""Looks in a row that must find the trainer idle: a batch may just have been published that it has not seen yet."""


class TrainingFailedError(RuntimeError):
    """The training ended in an error; the message says which."""


class Stage(Protocol):
    """Something on the way that is waited for."""

    name: str

    def look(self) -> bool:
        """See how far it is, show it, and return whether it is done."""

    def state(self) -> Hashable:
        """Return something that changes whenever the stage gets further."""


class ServerStage:
    """A server has to answer.

    Args:
        name: Name of the part.
        url: Where a GET has to succeed.
        bar: Shows it.
        note: What is said once it answers.
    """

    def __init__(self, name: str, url: str, bar: Bar, note: str) -> None:
        self.name = name
        self._url = url
        self._bar = bar
        self._note = note

    def look(self) -> bool:
        """Return whether the server answers."""
        if not http_answers(self._url):
            return False
        self._bar.finish(self._note)
        return True

    def state(self) -> Hashable:
        """A server is there or not: nothing lies between."""
        return None


class QuotesStage:
    """The ingestor has to publish all that its source holds.

    Args:
        ingestor: The process, which ends when it has.
        metrics_url: Its metrics.
        bar: Shows it.
    """

    name = "ingestor"

    def __init__(self, ingestor: Child, metrics_url: str, bar: Bar) -> None:
        self._ingestor = ingestor
        self._url = metrics_url
        self._bar = bar
        self._done = 0.0

    def look(self) -> bool:
        """Return whether the ingestor has ended."""
        if self._ingestor.exit_status() == 0:
            self._bar.finish("all published")
            return True
        metrics = Metrics.scrape(self._url)
        total = metrics.value("closecast_ingestor_sessions_to_replay")
        if total:
            self._done = metrics.value("closecast_ingestor_sessions_replayed")
            self._bar.update(self._done, total, f"session {self._done:,.0f} of {total:,.0f}")
        return False

    def state(self) -> Hashable:
        """Return how many sessions were published."""
        return self._done


class TrainingStage:
    """The trainer has to store every quote, and to train if they call for it.

    Args:
        ingestor: The process whose end tells that no more quotes come.
        metrics_url: The trainer's metrics.
        follower: Knows the outcome of trainings.
        epochs: Most epochs of a training.
        bar: Shows it.
    """

    name = "trainer"

    def __init__(self, ingestor: Child, metrics_url: str, follower: Follower, epochs: int, bar: Bar) -> None:
        self._ingestor = ingestor
        self._url = metrics_url
        self._follower = follower
        self._epochs = epochs
        self._bar = bar
        self._shown = ""
        self._settled_looks = 0

    def look(self) -> bool:
        """Return whether the trainer owes nothing more.

        Raises:
            TrainingFailedError: If the training it owed has failed.
        """
        metrics = Metrics.scrape(self._url)
        settled = self._ingestor.exit_status() == 0 and metrics.value("closecast_trainer_up_to_date") == 1
        self._settled_looks = self._settled_looks + 1 if settled else 0
        if self._settled_looks < _SETTLED_LOOKS or not self._follower.caught_up:
            self._show(metrics)
            return False
        self._bar.finish(_describe(self._follower.outcome))
        if self._follower.outcome_is_new:
            _require_success(self._follower.outcome)
        return True

    def state(self) -> Hashable:
        """Return what was shown last."""
        return self._shown

    def _show(self, metrics: Metrics) -> None:
        if not metrics.value("closecast_trainer_training"):
            stored = metrics.value("closecast_trainer_quotes_total")
            self._shown = f"{stored:,.0f} quotes stored" if stored else ""
            self._bar.update(0, None, self._shown)
            return
        epoch = metrics.value("closecast_trainer_epoch")
        loss = metrics.value("closecast_trainer_loss", split="validation")
        self._shown = f"epoch {epoch:.0f} of at most {self._epochs}, validation loss {loss:.4f}"
        self._bar.update(epoch, self._epochs, self._shown)


class ServingStage:
    """The predictor has to serve every symbol, with the version that was promoted last.

    Args:
        predictor_url: Address of the predictor.
        follower: Knows outcomes and forecasts.
        training: Has to be done before it is known what is to be served.
        bar: Shows it.
    """

    name = "predictor"

    def __init__(self, predictor_url: str, follower: Follower, training: "Gate", bar: Bar) -> None:
        self.outlooks: tuple[Outlook, ...] = ()
        self._url = predictor_url
        self._follower = follower
        self._training = training
        self._bar = bar
        self._fresh = 0

    def look(self) -> bool:
        """Return whether every symbol is served as it should be; `outlooks` then holds the answers."""
        if not self._training.passed:
            return False
        forecasts = self._follower.forecasts
        outlooks = [ask_outlook(self._url, symbol) for symbol in sorted(forecasts)]
        served = tuple(
            outlook
            for outlook in outlooks
            if outlook
            and outlook.origin == forecasts[outlook.symbol].origin
            and outlook.version == self._expected(outlook)
        )
        self._fresh = len(served)
        self._bar.update(self._fresh, len(forecasts) or None, f"{self._fresh} of {len(forecasts)} symbols")
        if not served or len(served) < len(forecasts):
            return False
        self.outlooks = served
        self._bar.finish(f"{len(served)} symbols")
        return True

    def _expected(self, outlook: Outlook) -> str | None:
        """Return the version that is to speak: the one promoted last, or where that is not the panel's the one told."""
        outcome = self._follower.outcome
        if outcome is not None and outcome.outcome == "promoted" and outcome.model == outlook.model:
            return outcome.version
        return self._follower.forecasts[outlook.symbol].version

    def state(self) -> Hashable:
        """Return how many symbols are served as they should be."""
        return self._fresh


class Gate:
    """Remembers whether a stage is done.

    Args:
        stage: The stage.
    """

    def __init__(self, stage: Stage) -> None:
        self.name = stage.name
        self.state = stage.state
        self.passed = False
        self._stage = stage

    def look(self) -> bool:
        """See how far the stage is; once it is done it stays so."""
        self.passed = self.passed or self._stage.look()
        return self.passed


def _describe(outcome: ModelEvent | None) -> str:
    if outcome is None:
        return "too few sessions to train on: the base serves"
    version = f" version {outcome.version}" if outcome.version else ""
    return f"{outcome.outcome}{version}: {outcome.reason}"


def _require_success(outcome: ModelEvent | None) -> None:
    if outcome is not None and outcome.outcome == "failed":
        raise TrainingFailedError(f"the training has failed: {outcome.reason}")
