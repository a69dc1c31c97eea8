"""Signing in, where the predictor asks who one is."""

import pytest
from argon2 import PasswordHasher
from playwright.sync_api import Locator, Page, expect
from services.predictor.tests.access.doors import PHRASE, auth, key_with
from services.predictor.tests.pages.conftest import Site
from services.predictor.tests.pages.test_accessibility import assert_axe_finds_nothing_grave
from services.predictor.tests.support import serving_of

from closecast_predictor.access.authenticator import Authenticator
from closecast_predictor.access.guard import Guard
from closecast_predictor.access.permissions import Permission
from closecast_predictor.api.serving import Serving

USER = f"ana:predict:{PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PHRASE)}"
KEY, KEY_LINE = key_with(Permission.PREDICT)


@pytest.fixture
def serving() -> Serving:
    serving = serving_of("AAPL", "PETR4.SA")
    serving.guard = Guard(Authenticator(auth(users=USER, keys=KEY_LINE)))
    return serving


def dialog(page: Page) -> Locator:
    return page.get_by_role("dialog", name="Sign in")


def sign_in(page: Page, password: str = PHRASE) -> None:
    dialog(page).get_by_label("Name").fill("ana")
    dialog(page).get_by_label("Password").fill(password)
    dialog(page).get_by_role("button", name="Sign in").click()


def test_who_has_not_signed_in_is_asked_to(page: Page) -> None:
    page.goto("/#symbol=AAPL")

    expect(dialog(page).get_by_label("Name")).to_be_focused()
    assert_axe_finds_nothing_grave(page)
    sign_in(page)

    expect(page.locator("fan-chart canvas")).to_be_visible()
    expect(page.get_by_role("button", name="Sign out ana")).to_be_visible()
    expect(page.get_by_role("alert")).to_have_count(0)


def test_a_wrong_password_is_told(page: Page) -> None:
    page.goto("/")
    sign_in(page, "wrong")

    expect(dialog(page).get_by_role("alert")).to_have_text("name or password is wrong")
    sign_in(page)
    expect(page.get_by_role("heading", name="AAPL")).to_be_visible()


def test_the_question_can_be_put_away_and_come_back_to(page: Page) -> None:
    page.goto("/#symbol=AAPL")
    dialog(page).wait_for()
    page.keyboard.press("Escape")

    expect(dialog(page)).to_have_count(0)
    page.get_by_role("alert").get_by_role("button", name="Sign in").first.click()
    sign_in(page)
    expect(page.locator("fan-chart canvas")).to_be_visible()


def test_an_api_key_does_too(page: Page) -> None:
    page.goto("/#symbol=AAPL")
    dialog(page).get_by_role("button", name="Use an API key instead").click()
    dialog(page).get_by_label("API key or token").fill(KEY)
    dialog(page).get_by_role("button", name="Sign in").click()

    expect(page.locator("fan-chart canvas")).to_be_visible()


def test_the_token_lives_as_long_as_the_tab(page: Page) -> None:
    page.goto("/#symbol=AAPL")
    sign_in(page)
    page.locator("fan-chart canvas").wait_for()

    page.reload()
    expect(page.locator("fan-chart canvas")).to_be_visible()
    other = page.context.new_page()
    other.goto("/#symbol=AAPL")
    expect(dialog(other)).to_be_visible()
    assert page.evaluate("Object.values(localStorage)") == []


def test_signing_out_forgets_the_token(page: Page) -> None:
    page.goto("/#symbol=AAPL")
    sign_in(page)
    page.get_by_role("button", name="Sign out ana").click()

    expect(page.get_by_role("button", name="Sign in").first).to_be_visible()
    expect(page.locator("fan-chart")).to_have_count(0)
    assert page.evaluate("Object.values(sessionStorage)") == []


def test_a_token_that_is_no_longer_good_is_asked_for_again(page: Page, site: Site) -> None:
    page.goto("/#symbol=AAPL")
    sign_in(page)
    page.locator("fan-chart canvas").wait_for()
    # Another signing key: what was given out is worth nothing now.
    site.serving.guard = Guard(Authenticator(auth(users=USER)))

    page.get_by_role("button", name="PETR4.SA", exact=False).first.click()

    expect(page.get_by_role("alert").get_by_role("button", name="Sign in").first).to_be_visible()
    expect(page.get_by_role("button", name="Sign out ana")).to_have_count(0)


def test_what_one_may_not_do_is_told(page: Page) -> None:
    page.goto("/#view=training")
    sign_in(page)
    page.get_by_role("button", name="Start training").click()

    expect(page.locator("form").get_by_role("alert")).to_contain_text("train")
