"""What axe finds on every view, and all of it by keyboard."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

VIEWS = {
    "forecast": "Forecasts",
    "accuracy": "Accuracy",
    "models": "Models",
    "training": "Training",
    "system": "System",
}
GRAVE = {"serious", "critical"}


def assert_axe_finds_nothing_grave(page: Page) -> None:
    results = Axe().run(page)
    found = [
        f"{violation['id']}: {violation['help']}: {[node['html'][:120] for node in violation['nodes'][:3]]}"
        for violation in results.response["violations"]
        if violation["impact"] in GRAVE
    ]
    assert found == []


@pytest.mark.parametrize("theme", ["Light", "Dark"])
@pytest.mark.parametrize("view", VIEWS)
def test_axe_finds_nothing_grave(page: Page, view: str, theme: str) -> None:
    page.goto(f"/#view={view}&symbol=AAPL,VALE3.SA")
    page.get_by_role("button", name=theme).click()
    page.wait_for_load_state("networkidle")
    expect(page.locator(".bone")).to_have_count(0)

    assert_axe_finds_nothing_grave(page)


def test_axe_finds_nothing_grave_in_tables_and_faults(page: Page) -> None:
    page.goto("/#symbol=AAPL,NFLX")
    page.get_by_role("button", name="Table").first.click()
    page.get_by_text("No quotes of NFLX yet").wait_for()

    assert_axe_finds_nothing_grave(page)


def test_each_view_has_its_landmarks_and_one_heading(page: Page) -> None:
    page.goto("/")
    for view, heading in VIEWS.items():
        page.goto(f"/#view={view}")
        expect(page.get_by_role("heading", level=1)).to_have_text(heading)
        expect(page.get_by_role("banner")).to_have_count(1)
        expect(page.get_by_role("main")).to_have_count(1)
        expect(page.get_by_role("contentinfo")).to_have_count(1)
        expect(page.get_by_role("navigation", name="Views").locator("[aria-current=page]")).to_have_text(heading)


def test_the_keyboard_goes_to_another_view(page: Page) -> None:
    page.goto("/#symbol=AAPL")
    page.get_by_role("link", name="Models").focus()
    page.keyboard.press("Enter")

    expect(page.get_by_role("main")).to_be_focused()
    expect(page.locator("#announcements")).to_have_text("Models")


def test_the_first_stop_of_the_keyboard_skips_to_the_content(page: Page) -> None:
    page.goto("/#symbol=AAPL")
    page.get_by_role("heading", name="AAPL").wait_for()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()

    page.keyboard.press("Enter")

    expect(page.get_by_role("main")).to_be_focused()
    assert page.url.endswith("#symbol=AAPL")


def test_symbols_are_picked_and_read_by_keyboard_alone(page: Page) -> None:
    page.goto("/#symbol=AAPL")
    page.get_by_role("searchbox").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("button", name="PETR4.SA R$", exact=False)).to_be_focused()

    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="PETR4.SA")).to_be_visible()
    expect(page.get_by_role("button", name="PETR4.SA R$", exact=False)).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.get_by_label("Choose a CSV file")).to_be_focused()

    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.getAttribute('aria-label')") == "Table":
            break
    page.keyboard.press("Space")
    expect(page.get_by_role("table", name="Forecast of PETR4.SA in numbers")).to_be_visible()


def test_every_stop_of_the_keyboard_can_be_seen(page: Page) -> None:
    page.goto("/#symbol=AAPL")
    page.get_by_role("heading", name="AAPL").wait_for()
    for _ in range(15):
        page.keyboard.press("Tab")
        outline = page.evaluate(
            """() => {
                const at = document.activeElement.closest(".file-button") ?? document.activeElement;
                return at === document.body ? "none" : getComputedStyle(at).outlineStyle;
            }"""
        )
        assert outline == "solid"
