import pytest
from services.predictor.tests.api.conftest import LocalDesk
from services.predictor.tests.support import quote, quotes_of, serving_of, sessions_of
from starlette.testclient import TestClient

from closecast_predictor.api.app import build_app
from closecast_predictor.api.edge import Edge
from closecast_predictor.api.routes.context import Context
from closecast_predictor.api.schemas.quotes import QuotesAnswer, SymbolsAnswer
from closecast_predictor.api.serving import Serving
from closecast_predictor.snapshot import Lineup, Model, Snapshot

KNOWN = quotes_of("PETR4.SA", 80)
NEXT = sessions_of("PETR4.SA", 81)[-1]


def test_all_symbols_are_listed_with_the_interval_of_their_next_close(client: TestClient) -> None:
    answer = client.get("/symbols")

    assert answer.status_code == 200
    listed = SymbolsAnswer.model_validate(answer.json()).symbols
    assert [one.symbol for one in listed] == ["AAPL", "PETR4.SA", "VALE3.SA"]
    petrobras = listed[1]
    forecast = client.get("/forecast/PETR4.SA").json()
    told = petrobras.model_dump(mode="json")
    next_close = forecast["forecast"][0]["quantiles"]
    assert (told.pop("lower_80"), told.pop("upper_80")) == (next_close["0.1"], next_close["0.9"])
    assert told == {name: forecast[name] for name in told}
    assert petrobras.lower_80 < petrobras.last_close < petrobras.upper_80


def test_the_list_follows_the_forecasts(client: TestClient, serving: Serving) -> None:
    newer = serving_of("VALE3.SA")
    assert newer.snapshot is not None
    assert newer.models is not None

    serving.swap(newer.snapshot, newer.models)

    assert [one["symbol"] for one in client.get("/symbols").json()["symbols"]] == ["VALE3.SA"]


def test_without_forecasts_the_list_is_empty(client: TestClient, serving: Serving) -> None:
    serving.swap(Snapshot("none", "closecast-panel", "base", {}), Lineup(Model.base("closecast-panel")))

    assert client.get("/symbols").json() == {"symbols": []}


def test_symbols_are_not_ready_before_the_forecasts_are(desk: LocalDesk) -> None:
    client = TestClient(Edge(build_app(Context(Serving(), desk)), Serving()))

    assert client.get("/symbols").status_code == 503


@pytest.mark.parametrize(("query", "count"), [({}, 80), ({"sessions": 3}, 3), ({"sessions": 5000}, 80)])
def test_the_latest_quotes_are_shown(client: TestClient, query: dict[str, int], count: int) -> None:
    answer = client.get("/quotes/petr4", params=query)

    assert answer.status_code == 200
    shown = QuotesAnswer.model_validate(answer.json())
    assert (shown.symbol, shown.exchange, shown.currency) == ("PETR4.SA", "BVMF", "BRL")
    assert [(one.session, one.close) for one in shown.quotes] == [(one.session, one.close) for one in KNOWN[-count:]]


def test_a_split_shows_as_no_jump(client: TestClient, desk: LocalDesk) -> None:
    desk.book.take([quote("PETR4.SA", NEXT, 7.5, split=4.0, high=8.0, low=7.0, open=7.2)])

    before, after = client.get("/quotes/PETR4.SA", params={"sessions": 2}).json()["quotes"]

    assert after == {"session": str(NEXT), "open": 7.2, "high": 8.0, "low": 7.0, "close": 7.5, "volume": 1000}
    assert before["close"] == pytest.approx(KNOWN[-1].close / 4)
    assert before["volume"] == 4000


@pytest.mark.parametrize("sessions", ["0", "5001", "-1", "x", "1e9"])
def test_a_number_of_sessions_out_of_bounds_is_refused(client: TestClient, sessions: str) -> None:
    answer = client.get("/quotes/PETR4.SA", params={"sessions": sessions})

    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == ["sessions"]


def test_quotes_of_an_unknown_symbol_are_not_found(client: TestClient) -> None:
    answer = client.get("/quotes/itub4")

    assert answer.status_code == 404
    assert "ITUB4.SA" in answer.json()["detail"]


def test_quotes_wait_for_the_forecaster(client: TestClient, desk: LocalDesk) -> None:
    desk.reachable = False

    assert client.get("/quotes/PETR4.SA").status_code == 503
    assert client.get("/symbols").status_code == 200
