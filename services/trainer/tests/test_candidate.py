from pathlib import Path
from typing import Any

import numpy as np
import pytest
from services.trainer.tests.panels import QUICK, make_panel

from closecast.forecasting.bundle import Bundle
from closecast.forecasting.metrics import METRICS
from closecast.forecasting.spec import ModelSpec
from closecast_trainer.candidate import Candidate, make_candidate
from closecast_trainer.evaluation import Evaluation, evaluate
from closecast_trainer.report import plot_forecasts, plot_losses

PANEL = make_panel()


@pytest.fixture(scope="module")
def candidate(tmp_path_factory: pytest.TempPathFactory) -> Candidate:
    folder = tmp_path_factory.mktemp("models") / "candidate"
    return make_candidate(PANEL, folder, QUICK, model="panel", device="cpu")


def test_a_candidate_is_judged_and_its_spec_says_how(candidate: Candidate) -> None:
    spec = ModelSpec.read(candidate.folder)

    assert spec == candidate.spec
    assert set(spec.metrics) == {"candidate", "naive", "drift", "ewma", "base"}
    assert set(spec.metrics["candidate"]) == set(METRICS)
    assert spec.skill == pytest.approx(candidate.evaluation.skill)
    assert candidate.decision.reason


def test_what_was_judged_is_what_is_served(candidate: Candidate) -> None:
    origins = candidate.evaluation.origins
    at = len(origins) // 2

    bundle = Bundle.load(candidate.folder)
    history = PANEL.between(end=origins.sessions[at].astype(object)).select([PANEL.symbols[origins.rows[at]]])

    np.testing.assert_allclose(bundle.forecast(history)[0], candidate.evaluation.quantiles["candidate"][at], rtol=1e-5)


def test_its_champion_is_judged_beside_it(candidate: Candidate, tmp_path: Path) -> None:
    stages: list[str] = []

    again = make_candidate(
        PANEL,
        tmp_path / "next",
        QUICK,
        model="panel",
        champion=Bundle.load(candidate.folder),
        device="cpu",
        on_stage=stages.append,
    )

    assert stages == ["train", "export", "evaluate"]
    assert again.spec.metrics["champion"] == again.spec.metrics["candidate"], "the same data and seed"
    assert again.decision.promoted == candidate.decision.promoted


def test_a_symbols_own_model_is_judged_beside_the_panels_on_the_same_symbol(
    candidate: Candidate, tmp_path: Path
) -> None:
    config = QUICK.model_copy(update={"prediction_steps": 3})

    own = make_candidate(
        PANEL.select(["S1"]),
        tmp_path / "own",
        config,
        model="own",
        panel_champion=Bundle.load(candidate.folder),
        panel_version="7",
        device="cpu",
    )

    assert own.evaluation.symbols == own.spec.universe == ("S1",)
    assert set(own.spec.metrics) == {"candidate", "naive", "drift", "ewma", "base", "panel"}
    assert (own.spec.panel_version, own.spec.prediction_steps) == ("7", 3)
    beats = own.spec.metrics["candidate"]["mqloss"] < own.spec.metrics["panel"]["mqloss"]
    assert beats or not own.decision.promoted


def test_a_measure_that_is_not_a_number_leaves_a_spec_that_can_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without_r2(*args: Any, **options: Any) -> Evaluation:
        evaluation = evaluate(*args, **options)
        evaluation.metrics["candidate"]["r2"] = np.nan
        return evaluation

    monkeypatch.setattr("closecast_trainer.candidate.evaluate", without_r2)

    judged = make_candidate(PANEL, tmp_path / "candidate", QUICK, model="panel", device="cpu")

    assert set(ModelSpec.read(judged.folder).metrics["candidate"]) == set(METRICS) - {"r2"}


def test_pictures_are_drawn(candidate: Candidate, tmp_path: Path) -> None:
    losses, forecasts = tmp_path / "losses.png", tmp_path / "forecasts.png"

    plot_losses(candidate.result.epochs, losses)
    plot_forecasts(candidate.evaluation, forecasts)

    for picture in (losses, forecasts):
        assert picture.read_bytes().startswith(b"\x89PNG")
        assert picture.stat().st_size > 5_000
