"""The versions of the models, and having another one speak."""

from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Locator, Page, expect
from services.predictor.tests.api.conftest import LocalDesk
from services.predictor.tests.pages.conftest import PHONE, SYMBOLS, Site
from services.predictor.tests.pages.test_accessibility import assert_axe_finds_nothing_grave
from services.predictor.tests.support import book_of

from closecast.forecasting.card import ModelCard
from closecast_predictor.api.schemas.card_example import CARD_EXAMPLE
from closecast_predictor.versions import Version, VersionDetails

PANEL = "closecast-panel"


def version(number: int, outcome: str, *, champion: bool = False, whole: bool = True) -> VersionDetails:
    reason = "no worse than naive, drift, ewma, base" if outcome == "promoted" else "worse than ewma"
    return VersionDetails(
        Version(
            model=PANEL,
            version=str(number),
            aliases=("champion",) if champion else (),
            outcome=outcome,
            reason=reason,
            created_at=datetime.now(UTC) - timedelta(days=5 - number),
            skill=0.061,
            run_id="a" * 32,
            symbol=None,
            serving=champion,
        ),
        metrics={"candidate": {"mqloss": 0.0095, "mae": 0.42}, "naive": {"mqloss": 0.0101, "mae": 0.44}},
        parameters={"epochs": "60"},
        symbols=SYMBOLS,
        spec={"schema_version": "1.0"} if whole else None,
        card=ModelCard.model_validate(CARD_EXAMPLE) if whole else None,
    )


@pytest.fixture
def desk() -> LocalDesk:
    shelf = [version(3, "rejected"), version(2, "promoted", champion=True), version(1, "promoted", whole=False)]
    return LocalDesk(book=book_of(*SYMBOLS), shelf=shelf)


def row(page: Page, number: int) -> Locator:
    return page.locator(f'li[data-version="{number}"]')


def test_every_version_tells_what_became_of_it(page: Page) -> None:
    page.goto("/#view=models")

    expect(page.get_by_role("heading", name=PANEL)).to_be_visible()
    expect(row(page, 3)).to_contain_text("rejected")
    expect(row(page, 3)).to_contain_text("worse than ewma")
    expect(row(page, 3)).to_contain_text("2 days ago")
    expect(row(page, 2)).to_contain_text("serving")
    expect(row(page, 2)).to_contain_text("+6.1% vs. naive")
    expect(row(page, 2).get_by_role("button", name="Promote", exact=False)).to_have_count(0)


def test_details_show_the_backtest(page: Page) -> None:
    page.goto("/#view=models")
    row(page, 2).get_by_text("Details").click()

    metrics = row(page, 2).get_by_role("table", name="Metrics")
    expect(metrics.get_by_role("row", name="candidate")).to_contain_text("0.0095")
    expect(row(page, 2)).to_contain_text("Trained on AAPL, PETR4.SA, VALE3.SA.")
    assert_axe_finds_nothing_grave(page)


def test_details_show_the_model_card(page: Page) -> None:
    page.goto("/#view=models")
    row(page, 2).get_by_text("Details").click()

    shown = row(page, 2)
    expect(shown.get_by_role("heading", name="Must not be used for")).to_be_visible()
    expect(shown).to_contain_text("Advice to buy, hold or sell")
    expect(shown).to_contain_text("the network adds nothing beyond chance to the base")
    expect(shown).to_contain_text("Trained on sessions from Jan 4, 2010 to Feb 26, 2021")
    losses = shown.get_by_role("table", name="Pinball loss by sessions ahead")
    expect(losses.get_by_role("row", name="all")).to_contain_text("-0.31% (-0.84% … +0.21%)")
    expect(losses.get_by_role("row", name="all")).to_contain_text("81.2%")
    shown.get_by_text("By symbol").click()
    expect(shown.get_by_role("region", name="By symbol").get_by_role("row", name="PETR4.SA")).to_contain_text("80.7%")
    assert_axe_finds_nothing_grave(page)


def test_the_reliability_diagram_is_told_in_words_and_as_a_table_too(page: Page) -> None:
    page.goto("/#view=models")
    row(page, 2).get_by_text("Details").click()

    diagram = row(page, 2).get_by_role("img", name="Further from their level than chance allows: 97.5%.")
    expect(diagram).to_be_visible()
    expect(diagram.locator("circle")).to_have_count(7)
    table = row(page, 2).get_by_role("region", name="Reliability")
    expect(table.get_by_role("row", name="97.5%")).to_contain_text("98.9%")


def test_the_model_card_fits_a_phone_and_speaks_portuguese(page: Page) -> None:
    page.set_viewport_size(PHONE)
    page.goto("/#view=models")
    page.get_by_role("button", name="Português").click()
    row(page, 2).get_by_text("Detalhes").click()

    expect(row(page, 2).get_by_role("heading", name="Não deve ser usada para")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_a_version_from_before_there_were_cards_says_so(page: Page) -> None:
    page.goto("/#view=models")
    row(page, 1).get_by_text("Details").click()

    expect(row(page, 1)).to_contain_text("This version was made before versions had a model card.")
    expect(row(page, 1).get_by_role("table", name="Metrics")).to_be_visible()


def test_a_version_is_promoted_after_a_question(page: Page, site: Site) -> None:
    page.goto("/#view=models")
    page.get_by_role("button", name="Promote version 3").click()
    question = page.get_by_role("dialog", name=f"Let version 3 of {PANEL} speak?")
    expect(question).to_be_visible()
    assert_axe_finds_nothing_grave(page)
    assert not site.desk.shelf[0].version.serving

    question.get_by_role("button", name="Promote version 3").click()

    expect(row(page, 3)).to_contain_text("serving")
    expect(row(page, 2)).not_to_contain_text("serving")
    expect(page.locator("#announcements")).to_have_text("version 3 was promoted; it answers within seconds.")
    assert site.desk.shelf[0].version.serving


@pytest.mark.parametrize("way_out", ["Escape", "Cancel"])
def test_a_question_that_is_put_away_changes_nothing(page: Page, site: Site, way_out: str) -> None:
    page.goto("/#view=models")
    button = page.get_by_role("button", name="Promote version 3")
    button.focus()
    page.keyboard.press("Enter")
    page.get_by_role("dialog").wait_for()
    if way_out == "Escape":
        page.keyboard.press("Escape")
    else:
        page.get_by_role("button", name="Cancel").click()

    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(button).to_be_focused()
    assert site.desk.shelf[1].version.serving


def test_a_version_that_cannot_be_served_is_told(page: Page) -> None:
    page.goto("/#view=models")
    page.get_by_role("button", name="Promote version 1").click()
    page.get_by_role("dialog").get_by_role("button", name="Promote version 1").click()

    expect(page.get_by_role("alert")).to_contain_text("spec.json is missing")
    expect(row(page, 2)).to_contain_text("serving")


def test_without_versions_it_says_who_speaks(page: Page, site: Site) -> None:
    site.desk.shelf.clear()
    page.goto("/#view=models")

    expect(page.get_by_text("No versions yet")).to_be_visible()
