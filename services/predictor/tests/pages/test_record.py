"""How forecasts have fared: of one symbol, of all, and of the system that makes them."""

import re

import pytest
from playwright.sync_api import Page, expect
from services.predictor.tests.api.conftest import LocalDesk
from services.predictor.tests.pages.conftest import Site
from services.predictor.tests.pages.test_accessibility import assert_axe_finds_nothing_grave
from services.predictor.tests.support import forecast_from, latest_sessions, quote, serving_of

from closecast_predictor.api.serving import Serving
from closecast_predictor.book import Book

DAYS = latest_sessions("PETR4.SA", 80)
QUOTES = [quote("PETR4.SA", day, 30.0 + (9 if at == 78 else 0) + at % 3) for at, day in enumerate(DAYS)]
LIVE = range(60, 81)
"""How many quotes each forecast knows; the close after the last of them has not come."""


@pytest.fixture
def desk() -> LocalDesk:
    """Return a desk that knows live forecasts of PETR4.SA and the closes that came, one of them far off."""
    book = Book(400)
    for event in (*(forecast_from(QUOTES[:count]) for count in LIVE), *QUOTES):
        book.recall(event)
    return LocalDesk(book=book)


@pytest.fixture
def serving() -> Serving:
    return serving_of("PETR4.SA", "AAPL")


def test_past_forecasts_stand_beside_what_came(page: Page) -> None:
    page.goto("/#symbol=PETR4.SA")
    past = page.request.get("/stats/PETR4.SA").json()["past"]
    came = [one for one in past if one["horizon"] == 1 and one["actual"] is not None]
    misses = sum(not one["lower_80"] <= one["actual"] <= one["upper_80"] for one in came)
    assert 0 < misses < len(came) == 20

    chart = page.get_by_role("img", name=f"{misses} of the last 20 closes fell outside the 80% interval")
    expect(chart).to_be_visible()
    expect(chart.locator("canvas")).to_be_visible()
    page.locator(".record").get_by_role("button", name="Table").click()
    rows = page.get_by_role("region", name="Past forecasts of PETR4.SA").locator("tbody tr")
    expect(rows.filter(has_text=re.compile(r"no\s*$"))).to_have_count(misses)
    expect(rows.filter(has_text=re.compile(r"open\s*$"))).to_have_count(1)


def test_another_horizon_shows_other_forecasts(page: Page) -> None:
    page.goto("/#symbol=PETR4.SA")
    page.get_by_role("combobox", name="Sessions ahead").select_option("5")

    expect(page.get_by_role("img", name="of the last 16 closes", exact=False)).to_be_visible()


def test_skill_and_coverage_are_those_of_the_answer(page: Page) -> None:
    page.goto("/#symbol=PETR4.SA")
    first = page.request.get("/stats/PETR4.SA").json()["symbols"][0]["horizons"][0]

    row = page.get_by_role("region", name="Skill and coverage of PETR4.SA").locator("tbody tr").first
    expect(row).to_contain_text(f"{first['coverage_80']:.0%}")
    expect(row).to_contain_text(f"{first['mape']:.2%}")
    expect(row.locator("td").last).to_have_text("20")


def test_forecasts_of_a_replay_are_shown_and_told_of(page: Page, site: Site) -> None:
    book = Book(400)
    past = latest_sessions("PETR4.SA", 140)
    quotes = [quote("PETR4.SA", day, 30.0 + at % 3) for at, day in enumerate(past)]
    for event in (forecast_from(quotes[:70]).model_copy(update={"made_at": forecast_from(quotes).made_at}), *quotes):
        book.recall(event)
    site.desk.book = book
    page.goto("/#symbol=PETR4.SA")

    expect(page.locator(".record")).to_contain_text("1 of them was made after its session had closed")
    expect(page.locator(".record")).to_contain_text("None has been scored yet")


def test_forecasts_whose_close_has_not_come_are_not_drawn(page: Page, site: Site) -> None:
    book = Book(400)
    for event in (forecast_from(QUOTES), *QUOTES):
        book.recall(event)
    site.desk.book = book
    page.goto("/#symbol=PETR4.SA")

    expect(page.locator(".record")).to_contain_text("The first of them is about")
    expect(page.locator(".record past-chart")).to_have_count(0)


def test_a_horizon_whose_closes_have_not_come_says_so(page: Page, site: Site) -> None:
    book = Book(400)
    for event in (forecast_from(QUOTES[:-3]), *QUOTES):
        book.recall(event)
    site.desk.book = book
    page.goto("/#symbol=PETR4.SA")
    expect(page.get_by_role("img", name="0 of 1 close fell outside")).to_be_visible()

    page.get_by_role("combobox", name="Sessions ahead").select_option("5")
    expect(page.locator(".record")).to_contain_text("The first of them is about")
    page.locator(".record").get_by_role("button", name="Table").click()
    rows = page.get_by_role("region", name="Past forecasts of PETR4.SA").last.locator("tbody tr")
    expect(rows).to_contain_text([re.compile(r"open\s*$")])


def test_without_forecasts_to_score_it_says_so(page: Page) -> None:
    page.goto("/#symbol=AAPL")

    expect(page.locator(".record").get_by_role("alert")).to_contain_text("there is no quote of AAPL")


def test_all_symbols_are_compared_by_sessions_ahead(page: Page) -> None:
    page.goto("/#view=accuracy")
    scores = page.request.get("/stats").json()["symbols"][0]["horizons"]

    line = page.get_by_role("table", name="Skill of every symbol by sessions ahead").locator("tbody tr")
    expect(line.locator("td").first).to_have_text("0.0%")  # the base's median is the naive forecast
    page.get_by_role("button", name="Coverage").click()
    table = page.get_by_role("table", name="Coverage of every symbol by sessions ahead")
    expect(table.locator("td").first).to_have_text(f"{scores[0]['coverage_80']:.0%}")
    table.get_by_role("link", name="PETR4.SA").click()
    expect(page.get_by_role("heading", name="PETR4.SA")).to_be_visible()


@pytest.mark.parametrize("theme", ["Light", "Dark"])
@pytest.mark.parametrize("view", ["forecast", "accuracy"])
def test_axe_finds_nothing_grave_in_records(page: Page, view: str, theme: str) -> None:
    page.goto(f"/#view={view}&symbol=PETR4.SA")
    page.get_by_role("button", name=theme).click()
    page.locator(".record table, .heat").wait_for()

    assert_axe_finds_nothing_grave(page)


def test_the_system_tells_how_it_fares(page: Page, site: Site) -> None:
    site.desk.lag = {"closecast.quotes": 0, "closecast.models": 2}
    page.goto("/#view=system")
    stats = page.request.get("/stats").json()

    tiles = page.locator(".tile")
    expect(tiles.filter(has_text="Readiness")).to_contain_text("2 symbols are forecast.")
    expect(tiles.filter(has_text="Model that speaks")).to_contain_text("closecast-panel")
    expect(tiles.filter(has_text="Kafka lag")).to_contain_text("up to date")
    expect(tiles.filter(has_text="Kafka lag")).to_contain_text("2 records behind")
    expect(tiles.filter(has_text="Hardware")).to_contain_text(f"of {stats['hardware']['cpu_cores']} cores")
    expect(tiles.filter(has_text="Latency")).to_contain_text("ms")
    expect(tiles.filter(has_text="Requests")).to_contain_text("Answered 200")
