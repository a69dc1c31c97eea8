"""Asking for a training, and watching it."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect
from services.predictor.tests.pages.conftest import Site
from services.predictor.tests.pages.test_accessibility import assert_axe_finds_nothing_grave
from services.predictor.tests.registry import RunningTraining, settings_of

from closecast.events import ModelEvent, TrainingOutcome, TrainingRequest
from closecast.kafka import KafkaSettings
from closecast_predictor.registry import Registry
from closecast_predictor.runs import TrainingRuns
from closecast_predictor.training import Training, TrainingDesk


def rows(page: Page) -> Locator:
    return page.locator("li[data-training]")


def latest(site: Site) -> Training:
    return site.desk.trainings.latest(1)[0]


def end(site: Site, outcome: TrainingOutcome, reason: str) -> None:
    training = latest(site)
    version = None if outcome == "failed" else "4"
    event = ModelEvent(
        request_id=training.id, model=training.model, outcome=outcome, version=version, reason=reason, metrics={}
    )
    site.desk.trainings.ended(event)


def test_a_training_is_asked_for_and_its_outcome_appears(page: Page, site: Site) -> None:
    page.goto("/#view=training")
    expect(page.get_by_text("No training requests yet")).to_be_visible()
    page.get_by_label("Symbols", exact=True).fill("petr4, vale3")
    page.get_by_label("From").fill("2015-01-01")
    page.get_by_label("Epochs").fill("5")
    page.get_by_role("button", name="Start training").click()

    expect(rows(page).first).to_contain_text("PETR4.SA, VALE3.SA")
    expect(rows(page).first).to_contain_text("queued")
    expect(page.locator("#announcements")).to_have_text("The training request was accepted.")
    asked = latest(site)
    assert set(asked.symbols) == {"PETR4.SA", "VALE3.SA"}
    end(site, "promoted", "no worse than naive, drift, ewma, base")

    expect(rows(page).first).to_contain_text("promoted")
    expect(rows(page).first).to_contain_text("no worse than naive")
    expect(rows(page).first.get_by_role("link", name="version 4")).to_be_visible()


def test_as_it_stands_the_form_asks_for_all_symbols(page: Page, site: Site) -> None:
    page.goto("/#view=training")
    page.get_by_role("button", name="Start training").click()

    expect(rows(page).first).to_contain_text("All symbols")
    assert latest(site).symbols == ()


@pytest.mark.parametrize(
    ("label", "value", "words"),
    [
        ("Sessions ahead", "11", "less than or equal to 10"),
        ("Epochs", "0", "greater than or equal to 1"),
        ("Symbols", "../etc", "symbol"),
    ],
)
def test_a_field_at_fault_is_named_beside_it(page: Page, site: Site, label: str, value: str, words: str) -> None:
    page.goto("/#view=training")
    field = page.get_by_label(label, exact=True)
    field.fill(value)
    page.get_by_role("button", name="Start training").click()

    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_accessible_description(re.compile(words))
    expect(page.locator("form").get_by_role("alert")).to_be_visible()
    expect(field).to_have_value(value)
    assert_axe_finds_nothing_grave(page)
    assert site.desk.trainings.latest(1) == []


def test_a_training_that_failed_says_why(page: Page, site: Site) -> None:
    page.goto("/#view=training")
    page.get_by_role("button", name="Start training").click()
    rows(page).first.wait_for()
    end(site, "failed", "there are no quotes of IBM")

    expect(rows(page).first).to_contain_text("failed")
    expect(rows(page).first).to_contain_text("there are no quotes of IBM")
    assert_axe_finds_nothing_grave(page)


def test_progress_is_shown_as_it_happens(page: Page, site: Site, mlflow_server_uri: str) -> None:
    mlflow = settings_of(mlflow_server_uri)
    site.desk.trainings = TrainingDesk(KafkaSettings(), TrainingRuns(Registry(mlflow)))
    request = TrainingRequest(model="closecast-panel")
    site.desk.trainings.asked(request)
    training = RunningTraining(mlflow, request)
    page.goto("/#view=training")
    expect(rows(page).first).to_contain_text("running")

    training.epoch(1, training=0.31, validation=0.29)
    expect(rows(page).first).to_contain_text("Epoch 1 of 3")
    assert_axe_finds_nothing_grave(page)
    training.epoch(2, training=0.30, validation=0.27)
    expect(rows(page).first).to_contain_text("Epoch 2 of 3")
    expect(rows(page).first).to_contain_text("validation 0.2700")
    expect(page.get_by_role("progressbar")).to_have_attribute("value", "2")
