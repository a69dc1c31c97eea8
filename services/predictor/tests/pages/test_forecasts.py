import re
from datetime import date
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from services.predictor.tests.pages.conftest import Site
from services.predictor.tests.support import quotes_of

CHART = "fan-chart canvas"
DASH = "\N{EN DASH}"
NO_CHANGE = re.compile(r"(?<![\d.])0\.00?%")


def card(symbol: str) -> str:
    return f'article[data-symbol="{symbol}"]'


def plus_minus(last: float, lower: float, upper: float) -> str:
    """Return half the width of an interval as the pages write it, a share of the last close."""
    return f"±{50 * (upper - lower) / last:.1f}%"


def bounds(step: dict[str, Any]) -> tuple[float, float]:
    """Return the bounds of the 80 % interval of one horizon of an answer."""
    return step["quantiles"]["0.1"], step["quantiles"]["0.9"]


def colours_of(page: Page, selector: str) -> int:
    """Return how many different colours a canvas shows: an empty one shows one."""
    return int(
        page.locator(selector).first.evaluate(
            """canvas => {
                const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
                const colours = new Set();
                for (let at = 0; at < data.length; at += 4) colours.add(data.slice(at, at + 4).join());
                return colours.size;
            }"""
        )
    )


def test_a_first_visit_shows_the_first_symbol(page: Page) -> None:
    page.goto("/")

    expect(page.get_by_role("heading", name="AAPL")).to_be_visible()
    expect(page).to_have_url(re.compile(r"#symbol=AAPL$"))
    expect(page).to_have_title("Forecasts · Closecast")


def test_the_figures_are_those_of_the_answer(page: Page) -> None:
    page.goto("/#symbol=PETR4.SA")
    answer = page.request.get("/forecast/PETR4.SA").json()
    last = answer["last_close"]

    shown = page.locator(card("PETR4.SA"))
    figures = shown.locator(".figure")
    expect(figures.first).to_contain_text(f"R${last:.2f}")
    for at, step in ((1, answer["forecast"][0]), (2, answer["forecast"][-1])):
        lower, upper = bounds(step)
        expect(figures.nth(at)).to_contain_text(f"{lower:.2f} {DASH} {upper:.2f}")
        expect(figures.nth(at)).to_contain_text(plus_minus(last, lower, upper))
    expect(figures.nth(1)).to_contain_text("Next close")
    expect(shown.locator(".figures")).not_to_contain_text(NO_CHANGE)
    expect(shown).to_contain_text("B3 · BRL")
    expect(shown.locator(".provenance")).to_contain_text("closecast-panel · base")
    expect(shown.locator(".age")).to_contain_text("old")


def test_the_list_tells_how_far_each_next_close_may_go(page: Page) -> None:
    page.goto("/#symbol=AAPL")
    listed = page.request.get("/symbols").json()["symbols"]

    rows = page.locator(".symbols li")
    expect(rows).to_have_count(len(listed))
    for at, row in enumerate(listed):
        lower, upper = row["lower_80"], row["upper_80"]
        expect(rows.nth(at)).to_contain_text(plus_minus(row["last_close"], lower, upper))
        said = re.compile(rf"{row['symbol']} .* 80% probability between \D*{lower:.2f} and \D*{upper:.2f}")
        expect(rows.nth(at).get_by_role("button", name=said)).to_be_visible()
    expect(page.locator(".symbols")).not_to_contain_text(NO_CHANGE)
    head = page.get_by_text("Next close, 80% interval")
    expect(head).to_be_visible()
    page.get_by_role("searchbox").fill("none such")
    expect(head).to_have_count(0)


def test_the_fan_is_drawn_and_said_in_words(page: Page) -> None:
    page.goto("/#symbol=AAPL")

    chart = page.get_by_role("img", name=re.compile("Chart of AAPL: last close .* 10 sessions .* 80% probability"))
    expect(chart).to_be_visible()
    expect(page.locator(CHART)).to_be_visible()
    assert colours_of(page, CHART) > 10


def test_pointing_at_the_chart_reads_it(page: Page) -> None:
    page.goto("/#symbol=AAPL", wait_until="networkidle")  # what arrives later draws the chart anew
    chart = page.locator("fan-chart .u-over")
    chart.wait_for()
    size = chart.bounding_box()
    assert size is not None

    chart.hover(position={"x": size["width"] - 3, "y": size["height"] / 2})

    expect(page.locator("fan-chart .reading")).to_contain_text("80%")


def test_the_numbers_are_there_as_a_table(page: Page) -> None:
    page.goto("/#symbol=AAPL")
    page.locator(card("AAPL")).get_by_role("button", name="Table").first.click()

    table = page.get_by_role("table", name="Forecast of AAPL in numbers")
    expect(table.get_by_role("row")).to_have_count(11)
    answer = page.request.get("/forecast/AAPL").json()
    assert f"{answer['forecast'][9]['quantiles']['0.975']:.2f}" in table.inner_text()


def test_another_range_shows_more_of_the_past(page: Page) -> None:
    page.goto("/#symbol=AAPL")
    page.locator(CHART).wait_for()

    def first_label() -> str:
        page.locator("fan-chart .u-over").hover(position={"x": 1, "y": 40})
        return page.locator("fan-chart .reading").inner_text()

    three_months = first_label()
    page.get_by_role("button", name="22 sessions").click()
    expect(page.get_by_role("button", name="22 sessions")).to_have_attribute("aria-pressed", "true")

    assert first_label() != three_months


def test_a_symbol_is_searched_for_and_picked(page: Page) -> None:
    page.goto("/#symbol=AAPL")
    search = page.get_by_role("searchbox", name="Search for a symbol")
    search.fill("petr")
    expect(page.locator(".symbols li")).to_have_count(1)

    search.press("Enter")

    expect(page.get_by_role("heading", name="PETR4.SA")).to_be_visible()
    expect(page).to_have_url(re.compile(r"#symbol=PETR4\.SA$"))
    expect(search).to_have_value("")


def test_several_symbols_are_compared(page: Page) -> None:
    page.goto("/#symbol=AAPL")
    page.get_by_role("button", name="Compare VALE3.SA").click()

    expect(page).to_have_url(re.compile(r"#symbol=AAPL,VALE3\.SA$"))
    lines = page.locator("section", has=page.get_by_role("heading", name="Comparison")).locator("tbody tr")
    expect(lines).to_have_count(2)
    answer = page.request.get("/forecast/VALE3.SA").json()
    for step in (answer["forecast"][0], answer["forecast"][-1]):
        lower, upper = bounds(step)
        expect(lines.last).to_contain_text(f"{lower:.2f} {DASH} {upper:.2f}")
        expect(lines.last).to_contain_text(plus_minus(answer["last_close"], lower, upper))
    expect(lines.last).not_to_contain_text(NO_CHANGE)
    page.get_by_role("button", name="Close AAPL").click()
    expect(page.get_by_role("heading", name="AAPL")).to_have_count(0)


def test_the_address_brings_back_what_was_shown(page: Page) -> None:
    page.goto("/#symbol=AAPL,VALE3.SA")
    expect(page.locator("article.card")).to_have_count(2)

    page.goto("/#view=system")
    page.go_back()

    expect(page.locator("article.card")).to_have_count(2)


def test_a_symbol_is_known_under_its_short_name(page: Page) -> None:
    page.goto("/#symbol=petr4")

    expect(page.get_by_role("heading", name="PETR4.SA")).to_be_visible()
    expect(page).to_have_url(re.compile(r"#symbol=PETR4\.SA$"))
    expect(page.locator("fan-chart canvas")).to_have_count(1)


def test_no_symbol_is_told_from_no_forecast(page: Page, site: Site) -> None:
    site.swap()
    page.goto("/")

    expect(page.get_by_text("No symbols yet")).to_be_visible()


def test_what_fails_is_told_and_comes_back_by_itself(page: Page, site: Site) -> None:
    site.desk.reachable = False
    page.goto("/#symbol=AAPL")

    fault = page.get_by_role("alert").filter(has_text="the forecaster cannot be reached: test").first
    expect(fault).to_be_visible()
    expect(page.locator(card("AAPL")).locator(".figures")).to_be_visible()
    site.desk.reachable = True
    expect(fault).to_have_count(0)


def test_no_answer_at_all_is_told_too(page: Page) -> None:
    page.goto("/#symbol=AAPL")
    page.locator(CHART).wait_for()
    page.context.set_offline(True)
    page.get_by_role("button", name="VALE3.SA", exact=False).first.click()

    expect(page.get_by_role("alert").filter(has_text="The predictor cannot be reached")).not_to_have_count(0)
    page.context.set_offline(False)
    expect(page.locator(card("VALE3.SA")).locator(".figures")).to_be_visible()


def test_before_the_first_forecasts_it_says_what_is_missing(page: Page, site: Site) -> None:
    site.serving.snapshot, site.serving.models, site.serving.answers = None, None, {}
    page.goto("/")

    expect(page.get_by_role("alert").first).to_contain_text("still reading the quotes")
    site.swap("AAPL")
    expect(page.get_by_role("heading", name="AAPL")).to_be_visible()


@pytest.mark.parametrize("symbol", ["<img src=x onerror=alert(1)>", "../../etc", "A" * 200, "%00", "'\""])
def test_an_address_that_names_nonsense_is_answered_in_words(page: Page, symbol: str) -> None:
    page.goto("/")
    page.evaluate("symbol => { location.hash = `symbol=${encodeURIComponent(symbol)}` }", symbol)

    expect(page.get_by_role("alert").first).to_be_visible()
    expect(page.locator("article img")).to_have_count(0)


def test_newer_forecasts_are_shown_as_they_come(page: Page, site: Site) -> None:
    page.clock.install()
    page.goto("/#symbol=AAPL")
    page.locator(CHART).wait_for()
    newer = quotes_of("AAPL", 90)[-1]
    site.swap("AAPL", count=90)

    page.clock.run_for(40_000)

    session = newer.session
    assert isinstance(session, date)
    words = f"{session.strftime('%b')} {session.day}, {session.year}"
    expect(page.locator(card("AAPL")).locator(".figure").first).to_contain_text(words)
