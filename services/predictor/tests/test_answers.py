import json

import pytest
from services.predictor.tests.support import book_of, sessions_of

from closecast.calendars import calendar_of
from closecast.events import Forecast
from closecast.horizons import HORIZONS, LEVELS, MEDIAN
from closecast_predictor.answers import Answer
from closecast_predictor.api.schemas.forecasts import PredictAnswer
from closecast_predictor.snapshot import Lineup, Model


@pytest.fixture
def forecast() -> Forecast:
    (made,) = book_of("PETR4.SA").forecast(Lineup(Model.base("closecast-panel")), ["PETR4.SA"])
    return made


@pytest.mark.parametrize("horizon", range(1, HORIZONS + 1))
def test_body_is_json_that_ends_at_the_horizon(forecast: Forecast, horizon: int) -> None:
    body = json.loads(Answer.of(forecast).body(horizon))

    assert body["horizon"] == horizon
    assert [one["horizon"] for one in body["forecast"]] == list(range(1, horizon + 1))
    assert body["forecast"] == json.loads(Answer.of(forecast).body(HORIZONS))["forecast"][:horizon]


def test_the_age_is_counted_from_the_close_of_the_origin(forecast: Forecast, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = Answer.of(forecast)
    closed_at = calendar_of("BVMF").closes_at(forecast.origin).timestamp()

    ages = []
    for after in (-60.0, 0.0, 59.9, 3600.0):
        monkeypatch.setattr("closecast_predictor.answers.time", lambda after=after: closed_at + after)
        ages.append(json.loads(answer.body(1))["data_age_seconds"])

    assert ages == [0, 0, 59, 3600]


def test_body_says_what_the_schema_promises(forecast: Forecast) -> None:
    body = json.loads(Answer.of(forecast).body(3))

    answer = PredictAnswer.model_validate(body)
    assert set(body) == set(PredictAnswer.model_fields)
    assert (answer.symbol, answer.currency, answer.exchange) == ("PETR4.SA", "BRL", "BVMF")
    assert (answer.model, answer.version, answer.skill) == ("closecast-panel", "base", None)
    assert answer.predicted_close == answer.forecast[0].median == forecast.horizons[0].quantiles[MEDIAN]
    assert list(answer.forecast[0].quantiles) == [str(level) for level in LEVELS]
    assert answer.forecast[0].session == sessions_of("PETR4.SA", 81)[-1]
