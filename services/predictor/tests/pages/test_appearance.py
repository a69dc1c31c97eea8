"""Language, theme and the width of a phone."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from services.predictor.tests.pages.conftest import PHONE, Site

VIEWS = ("forecast", "accuracy", "models", "training", "system")
LIGHT, DARK = "rgb(245, 246, 248)", "rgb(15, 20, 26)"


def ground(page: Page) -> str:
    return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))


@pytest.fixture
def brazilian(browser: Browser, site: Site) -> Iterator[BrowserContext]:
    context = browser.new_context(base_url=site.address, locale="pt-BR", color_scheme="dark", viewport=PHONE)
    yield context
    context.close()


def test_the_browsers_language_is_spoken(brazilian: BrowserContext) -> None:
    page = brazilian.new_page()
    page.goto("/#symbol=PETR4.SA")

    expect(page.get_by_role("heading", name="Previsões", level=1)).to_be_visible()
    expect(page.locator("html")).to_have_attribute("lang", "pt-BR")
    last = page.request.get("/forecast/PETR4.SA").json()["last_close"]
    expect(page.locator(".figure").first).to_contain_text(re.compile(rf"R\$\s{f'{last:.2f}'.replace('.', ',')}"))
    expect(page.locator(".figure").first).to_contain_text(re.compile(r"\d+ de \w+\. de 2024"))


def test_another_language_is_chosen_and_kept(page: Page) -> None:
    page.goto("/#symbol=AAPL")
    page.get_by_role("button", name="Português").click()

    expect(page.get_by_role("heading", name="Previsões", level=1)).to_be_visible()
    expect(page.get_by_role("img", name="Gráfico de AAPL", exact=False)).to_be_visible()
    expect(page.locator("html")).to_have_attribute("lang", "pt-BR")
    page.reload()
    expect(page).to_have_title("Previsões · Closecast")


def test_the_theme_follows_the_system(page: Page) -> None:
    page.goto("/")
    page.get_by_role("heading", name="Forecasts", level=1).wait_for()
    assert ground(page) == LIGHT

    page.emulate_media(color_scheme="dark")
    assert ground(page) == DARK


def test_a_chosen_theme_is_kept_against_the_system(page: Page) -> None:
    page.goto("/#symbol=AAPL")
    page.get_by_role("button", name="Dark").click()
    expect(page.get_by_role("button", name="Dark")).to_have_attribute("aria-pressed", "true")
    assert ground(page) == DARK

    page.reload()
    expect(page.get_by_role("button", name="Dark")).to_have_attribute("aria-pressed", "true")
    assert ground(page) == DARK

    page.get_by_role("button", name="As the system").click()
    assert ground(page) == LIGHT


def test_the_chart_takes_the_colours_of_the_theme(page: Page) -> None:
    page.goto("/#symbol=AAPL")
    page.locator("fan-chart canvas").wait_for()
    light = page.locator("fan-chart canvas").evaluate("canvas => canvas.toDataURL()")

    page.get_by_role("button", name="Dark").click()

    expect(page.locator("fan-chart canvas")).to_be_visible()
    assert page.locator("fan-chart canvas").evaluate("canvas => canvas.toDataURL()") != light


def test_on_a_phone_parts_stand_below_each_other(brazilian: BrowserContext) -> None:
    page = brazilian.new_page()
    page.goto("/#symbol=PETR4.SA")
    first, second, third = (page.locator(".figure").nth(at).bounding_box() for at in range(3))
    card = page.locator("article.card").bounding_box()
    assert first
    assert second
    assert third
    assert card

    assert second["x"] > first["x"]
    assert third["y"] > first["y"]
    assert card["width"] > PHONE["width"] - 40


@pytest.mark.parametrize("view", VIEWS)
def test_nothing_is_wider_than_a_phone(brazilian: BrowserContext, view: str) -> None:
    page = brazilian.new_page()
    page.goto(f"/#view={view}&symbol=PETR4.SA,VALE3.SA")
    page.get_by_role("heading", level=1).wait_for()
    page.wait_for_load_state("networkidle")
    expect(page.locator(".bone")).to_have_count(0)

    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    too_wide = page.evaluate(
        """width => [...document.querySelectorAll("main *, header *")]
            .filter(one => !one.closest(".scroller, .visually-hidden, .loading"))
            .filter(one => one.getBoundingClientRect().right > width + 1)
            .map(one => one.outerHTML.slice(0, 80))""",
        PHONE["width"],
    )
    assert too_wide == []
