"""What the forecaster knows of symbols that were to be fetched."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from closecast.events import BackfillEvent, BackfillRequest
from closecast.kafka import KafkaSettings, ensure_topics, new_consumer, partitions_of, read_to_end
from closecast_predictor.backfills import Backfill, BackfillDesk

DAY = timedelta(days=1)
NO_TIME = timedelta(0)


@pytest.fixture
def desk() -> BackfillDesk:
    return BackfillDesk(KafkaSettings())


def request(ago: timedelta = NO_TIME) -> BackfillRequest:
    return BackfillRequest(symbol="MSFT", requested_at=datetime.now(UTC) - ago)


def event(request: BackfillRequest, outcome: str, ago: timedelta = NO_TIME, **changes: Any) -> BackfillEvent:
    own = {"reason": "because", "source": "csv", "ingestor": "test", "occurred_at": datetime.now(UTC) - ago}
    return BackfillEvent.model_validate(
        {"request_id": request.id, "symbol": request.symbol, "outcome": outcome} | own | changes
    )


def found(desk: BackfillDesk) -> Backfill:
    known = desk.find("MSFT")
    assert known is not None
    return known


def test_nothing_is_known_of_what_nobody_asked_for(desk: BackfillDesk) -> None:
    assert desk.find("MSFT") is None


def test_a_request_is_under_way_until_its_outcome_is_known(desk: BackfillDesk) -> None:
    asked = request()
    desk.asked(asked)
    assert (found(desk).state, found(desk).request_id, found(desk).since) == ("fetching", asked.id, asked.requested_at)


@pytest.mark.parametrize(("outcome", "state"), [("unknown", "unavailable"), ("failed", "failed")])
def test_why_there_will_be_no_quotes_is_told(desk: BackfillDesk, outcome: str, state: str) -> None:
    asked = request()
    desk.ended(event(asked, outcome))
    desk.asked(asked)
    assert (found(desk).state, found(desk).reason) == (state, "because")


def test_quotes_that_were_published_are_on_their_way(desk: BackfillDesk) -> None:
    asked = request()
    desk.asked(asked)
    desk.ended(event(asked, "served"))
    assert found(desk).state == "fetching"


def test_quotes_that_led_to_no_forecast_are_too_old(desk: BackfillDesk) -> None:
    asked = request()
    desk.asked(asked)
    minutes = timedelta(minutes=5)
    desk.ended(event(asked, "served", minutes, last_session=date(2013, 3, 1), reason="csv has 9 sessions of MSFT"))
    assert found(desk).state == "unavailable"
    assert "9 sessions of MSFT, the last on 2013-03-01" in found(desk).reason


def test_the_outcome_of_an_earlier_request_does_not_answer_a_later_one(desk: BackfillDesk) -> None:
    desk.ended(event(request(DAY), "unknown"))
    desk.asked(request())
    assert found(desk).state == "fetching"


@pytest.mark.parametrize("outcome", [None, "unknown", "failed", "served"])
def test_after_a_while_a_symbol_may_be_asked_for_again(desk: BackfillDesk, outcome: str | None) -> None:
    asked = request(DAY)
    desk.asked(asked)
    if outcome is not None:
        desk.ended(event(asked, outcome, DAY))
    assert desk.find("MSFT") is None


def test_a_failure_is_soon_forgotten_and_an_unknown_symbol_is_not(desk: BackfillDesk) -> None:
    for outcome, known in (("failed", False), ("unknown", True)):
        asked = request()
        desk.asked(asked)
        desk.ended(event(asked, outcome, timedelta(minutes=2)))
        assert (desk.find("MSFT") is not None) == known


@pytest.fixture
def kafka(kafka_settings: KafkaSettings) -> KafkaSettings:
    ensure_topics(kafka_settings, kafka_settings.topics)
    return kafka_settings


def requests(kafka: KafkaSettings) -> list[BackfillRequest]:
    consumer = new_consumer(kafka, "test")
    topic = kafka.topics.backfill_requests
    records = list(read_to_end(consumer, dict.fromkeys(partitions_of(consumer, topic), 0)))
    consumer.close()
    return [BackfillRequest.from_bytes(record.value) for record in records]


def test_however_many_ask_at_once_there_is_one_request(kafka: KafkaSettings) -> None:
    desk = BackfillDesk(kafka)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(desk.request, ["MSFT", "IBM"] * 8))
    desk.close()

    assert {answer.state for answer in answers} == {"fetching"}
    assert sorted(one.symbol for one in requests(kafka)) == ["IBM", "MSFT"]
    assert {one.id for one in requests(kafka)} == {answer.request_id for answer in answers}


def test_what_another_forecaster_asked_for_is_not_asked_for_again(kafka: KafkaSettings) -> None:
    desk = BackfillDesk(kafka)
    asked = request()
    desk.asked(asked)
    assert desk.request("MSFT").request_id == asked.id
    desk.close()
    assert requests(kafka) == []


def test_only_so_many_are_fetched_at_a_time(kafka: KafkaSettings) -> None:
    desk = BackfillDesk(kafka, most_waiting=2)
    first = [desk.request(symbol) for symbol in ("AAPL", "IBM")]
    refused = desk.request("MSFT")
    assert (refused.state, refused.request_id) == ("failed", None)
    assert "2 other symbols" in refused.reason

    done = event(request(), "unknown", symbol="AAPL", request_id=first[0].request_id)
    desk.ended(done)
    assert desk.request("MSFT").state == "fetching"
    desk.close()
