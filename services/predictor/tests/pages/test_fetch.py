"""Looking a symbol up that there are no quotes of."""

from playwright.sync_api import Page, expect
from services.predictor.tests.pages.conftest import Site

from closecast.events import BackfillEvent, BackfillOutcome


def look_up(page: Page, symbol: str) -> None:
    search = page.get_by_role("searchbox")
    search.fill(symbol)
    search.press("Enter")


def end(site: Site, outcome: BackfillOutcome, reason: str) -> None:
    (request,) = site.desk.requests
    site.desk.backfills.ended(
        BackfillEvent(
            request_id=request.id,
            symbol=request.symbol,
            outcome=outcome,
            reason=reason,
            source="test",
            ingestor="test",
        )
    )


def test_an_unknown_symbol_is_fetched_and_shown_when_it_is_there(page: Page, site: Site) -> None:
    page.goto("/#symbol=AAPL")
    look_up(page, "wege3")
    page.get_by_role("button", name="Fetch its quotes").click()

    expect(page.get_by_text("Fetching the quotes of WEGE3…")).to_be_visible()
    assert [request.symbol for request in site.desk.requests] == ["WEGE3.SA"]
    site.swap("AAPL", "WEGE3.SA")

    expect(page.get_by_role("heading", name="WEGE3.SA")).to_be_visible()
    expect(page.locator("fan-chart canvas")).to_be_visible()


def test_a_symbol_that_nobody_knows_is_told(page: Page, site: Site) -> None:
    page.goto("/#symbol=AAPL")
    look_up(page, "NOSUCH")
    page.get_by_role("button", name="Fetch its quotes").click()
    page.get_by_text("Fetching the quotes of NOSUCH…").wait_for()

    end(site, "unknown", "the source has nothing of it")

    expect(page.get_by_text("the source has nothing of it")).to_be_visible()
    expect(page.get_by_role("button", name="Fetch its quotes")).to_be_visible()


def test_a_fetch_that_fails_is_told(page: Page, site: Site) -> None:
    page.goto("/#symbol=AAPL")
    look_up(page, "NFLX")
    page.get_by_role("button", name="Fetch its quotes").click()
    page.get_by_text("Fetching the quotes of NFLX…").wait_for()

    end(site, "failed", "the source does not answer")

    expect(page.get_by_role("alert").filter(has_text="the source does not answer")).to_be_visible()
    expect(page.get_by_text("Fetching the quotes")).to_have_count(0)


def test_a_symbol_can_be_looked_up_by_the_button_too(page: Page) -> None:
    page.goto("/#symbol=AAPL")
    page.get_by_role("searchbox").fill("nflx")
    page.get_by_role("button", name="Look up NFLX").click()

    expect(page.get_by_text("No quotes of NFLX yet")).to_be_visible()
