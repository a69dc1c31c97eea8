from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from closecast.events import Quote
from closecast_trainer.history import History, PastTraining
from closecast_trainer.policy import PolicySettings, RetrainingPolicy

MakeQuotes = Callable[..., list[Quote]]
NOW = datetime(2015, 1, 1, tzinfo=UTC)
MODEL = "panel"


def policy_of(history: History, **settings: float) -> RetrainingPolicy:
    thresholds = {"min_sessions": 20, "retrain_after_sessions": 5} | settings
    return RetrainingPolicy(PolicySettings.model_validate(thresholds), history, MODEL)


def remember(history: History, *, days_ago: float = 0) -> None:
    panel = history.panel()
    last_session = panel.last_session.max().astype(object)
    training = PastTraining(MODEL, panel.fingerprint(), last_session, "promoted", NOW - timedelta(days=days_ago))
    history.record_training(uuid4(), training, whole_universe=True)


def test_nothing_is_due_before_there_are_enough_sessions(history: History, make_quotes: MakeQuotes) -> None:
    quotes = make_quotes("AAPL", sessions=20)
    history.store(quotes[:19], "t", {})
    assert policy_of(history).due(NOW) is None
    history.store(quotes[19:], "t", {})
    assert policy_of(history).due(NOW) is not None


def test_enough_new_sessions_call_for_a_training(history: History, make_quotes: MakeQuotes) -> None:
    quotes = make_quotes("AAPL", sessions=30)
    history.store(quotes[:25], "t", {})
    remember(history)
    history.store(quotes[:29], "t", {})
    assert policy_of(history).due(NOW) is None
    history.store(quotes[29:], "t", {})
    request = policy_of(history).due(NOW)
    assert request is not None
    assert (request.reason, request.model, request.symbols) == ("new-sessions", MODEL, ())


def test_the_same_data_make_the_same_request(history: History, make_quotes: MakeQuotes) -> None:
    history.store(make_quotes("AAPL"), "t", {})
    first, second = policy_of(history).due(NOW), policy_of(history).due(NOW + timedelta(hours=1))
    assert first is not None
    assert second is not None
    assert first.id == second.id
    history.store(make_quotes("IBM"), "t", {})
    third = policy_of(history).due(NOW)
    assert third is not None
    assert third.id != first.id


def test_the_schedule_calls_for_a_training_only_if_a_quote_is_new(history: History, make_quotes: MakeQuotes) -> None:
    quotes = make_quotes("AAPL", sessions=30)
    history.store(quotes[:29], "t", {})
    remember(history, days_ago=8)
    policy = policy_of(history, retrain_every_days=7)
    assert policy.due(NOW) is None
    history.store(quotes[29:], "t", {})
    request = policy.due(NOW)
    assert request is not None
    assert request.reason == "schedule"
    assert policy.due(NOW - timedelta(days=2)) is None


def test_a_correction_of_old_quotes_waits_for_the_schedule(history: History, make_quotes: MakeQuotes) -> None:
    quotes = make_quotes("AAPL")
    history.store(quotes, "t", {})
    remember(history, days_ago=8)
    history.store([quotes[3].model_copy(update={"close": quotes[3].high, "revision": 1})], "t", {})
    assert policy_of(history).due(NOW) is None
    assert policy_of(history, retrain_every_days=7).due(NOW) is not None


def test_zero_means_never(history: History, make_quotes: MakeQuotes) -> None:
    history.store(make_quotes("AAPL"), "t", {})
    assert policy_of(history, retrain_after_sessions=0).due(NOW) is None
