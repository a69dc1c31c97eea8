import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from services.trainer.tests.panels import QUICK, make_panel
from services.trainer.tests.test_injected_candidates import BASE, PANEL, PARAMETERS, TEST, broken, good, judged

from closecast.forecasting.card import CARD_FILE, CARD_PAGE, ModelCard
from closecast.forecasting.metrics import METRICS
from closecast.forecasting.spec import ModelSpec
from closecast.horizons import HORIZONS
from closecast_trainer.candidate import Candidate, make_candidate
from closecast_trainer.card import make_card, write_card
from closecast_trainer.evaluation import BASE as BASE_NAME
from closecast_trainer.evaluation import CANDIDATE, NAIVE, Evaluation
from closecast_trainer.gate import decide
from closecast_trainer.report import plot_calibration, plot_reliability


@pytest.fixture(scope="module")
def candidate(tmp_path_factory: pytest.TempPathFactory) -> Candidate:
    folder = tmp_path_factory.mktemp("models") / "candidate"
    return make_candidate(make_panel(), folder, QUICK, model="closecast-panel", device="cpu")


@pytest.fixture(scope="module")
def spec(candidate: Candidate) -> ModelSpec:
    """Return a spec for candidates that were never trained, as if epoch 1 had been the best."""
    return candidate.spec.model_copy(
        update={
            "universe": PANEL.symbols,
            "base": PARAMETERS,
            "slices": candidate.spec.slices.model_copy(update={"test": TEST}),
            "hyperparameters": candidate.spec.hyperparameters.model_copy(update={"best_epoch": 1}),
        }
    )


def card_of(evaluation: Evaluation, spec: ModelSpec) -> ModelCard:
    return make_card(evaluation, spec, decide(evaluation))


def numbers(value: Any) -> Iterator[float]:
    """Return all numbers within a JSON document."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from numbers(one)
    elif isinstance(value, float):
        yield value


def test_a_version_comes_with_its_card(candidate: Candidate) -> None:
    card = ModelCard.model_validate_json((candidate.folder / CARD_FILE).read_bytes())

    assert card == candidate.card
    assert (card.model, card.created_at) == (candidate.spec.model, candidate.spec.created_at)
    assert (card.data.symbols, card.data.slices) == (candidate.spec.universe, candidate.spec.slices)
    assert (card.gate.promoted, card.gate.reasons) == (candidate.decision.promoted, candidate.decision.reasons)
    assert card.data.origins == len(candidate.evaluation.origins)
    assert card.overall.metrics == candidate.spec.metrics
    assert [results.horizon for results in card.by_horizon] == list(range(1, HORIZONS + 1))
    assert card.data.symbols == tuple(one.symbol for one in card.symbols)
    assert card.out_of_scope


def test_every_horizon_has_all_metrics_beside_every_baseline(candidate: Candidate) -> None:
    for results in candidate.card.by_horizon:
        assert results.metrics.keys() == {CANDIDATE, NAIVE, "drift", "ewma", BASE_NAME}
        assert results.against.keys() == {NAIVE, "drift", "ewma", BASE_NAME}
        assert results.metrics[CANDIDATE].keys() == set(METRICS)
        assert results.metrics[NAIVE]["rmae"] == 1.0
        for reference, comparison in results.against.items():
            pinball = comparison.pinball
            assert pinball.interval is not None
            assert pinball.interval[0] < pinball.mean < pinball.interval[1]
            expected = results.metrics[CANDIDATE]["mqloss"] - results.metrics[reference]["mqloss"]
            assert pinball.mean == pytest.approx(expected, abs=1e-12)
            assert pinball.reference == pytest.approx(results.metrics[reference]["mqloss"])


def test_the_mean_over_horizons_is_the_whole(candidate: Candidate) -> None:
    card = candidate.card

    by_horizon = [results.against[NAIVE].pinball.mean for results in card.by_horizon]

    assert card.overall.against[NAIVE].pinball.mean == pytest.approx(np.mean(by_horizon))
    assert card.overall.against[NAIVE].pinball.p_worse == pytest.approx(candidate.evaluation.compare(NAIVE).mqloss)
    assert card.overall.against[NAIVE].absolute_error.p_worse == pytest.approx(candidate.evaluation.compare(NAIVE).mae)


def test_the_base_differs_from_itself_by_nothing(spec: ModelSpec) -> None:
    card = card_of(judged(BASE.forecast), spec)

    for results in (card.overall, *card.by_horizon):
        difference = results.against[BASE_NAME].pinball
        assert (difference.mean, difference.interval, difference.p_worse) == (0.0, (0.0, 0.0), 1.0)
        assert difference.verdict == "undecided"
    assert {one.against[BASE_NAME].verdict for one in card.symbols} == {"undecided"}
    told = " ".join(card.findings)
    assert "the same as the base's" in told
    assert "At no horizon is it better than the base" in told
    assert "For 4 of 4 symbols the network adds nothing beyond chance" in told
    assert "S0, S1, S2, S3" in told


def test_a_good_candidate_is_found_better_by_more_than_chance_allows(spec: ModelSpec) -> None:
    card = card_of(judged(good), spec)

    assert card.gate.promoted
    assert card.overall.against[BASE_NAME].pinball.verdict == "better"
    assert card.overall.against[NAIVE].absolute_error.verdict == "undecided"
    told = " ".join(card.findings)
    assert "of the direction of a price it tells nothing" in told
    named = [one.symbol for one in card.symbols if one.against[BASE_NAME].verdict == "better"]
    assert named
    assert f"It is better for {', '.join(named)}." in told or "for every symbol" in told


def test_what_is_calibrated_lies_in_the_band(spec: ModelSpec) -> None:
    """The good candidate knows the distribution that closes come from."""
    card = card_of(judged(good), spec)

    shares = [
        share
        for results in card.by_horizon
        if results.calibration is not None
        for share in (*results.calibration.quantiles, *results.calibration.intervals)
    ]

    assert len(shares) == HORIZONS * 10
    assert np.mean([share.is_consistent for share in shares]) >= 0.9


def test_lstms_that_learned_nothing_are_told(spec: ModelSpec) -> None:
    untrained = spec.model_copy(update={"hyperparameters": spec.hyperparameters.model_copy(update={"best_epoch": 0})})

    card = card_of(judged(good), untrained)

    assert card.findings[0].startswith("LSTMs add nothing to it: in no epoch were they better than the regression")
    assert "LSTM" not in card.description
    assert "LSTMs (2, averaged" in card_of(judged(good), spec).description


def test_the_card_of_a_broken_candidate_holds_numbers_only(spec: ModelSpec, tmp_path: Path) -> None:
    card = card_of(judged(broken), spec)
    write_card(card, tmp_path)

    document = json.loads((tmp_path / CARD_FILE).read_text())

    assert all(map(math.isfinite, numbers(document)))
    assert not card.gate.promoted
    assert card.overall.against == {}
    assert card.overall.calibration is None
    assert [one.symbol for one in card.symbols] == ["S0", "S1", "S3"]
    assert card.findings == ("The forecasts are not all numbers: nothing can be said of them.",)
    assert ModelCard.model_validate(document) == card
    plot_reliability(card, tmp_path / "reliability.png")
    plot_calibration(card, tmp_path / "calibration.png")


def test_a_model_of_one_symbol_is_for_no_other(spec: ModelSpec) -> None:
    own = spec.model_copy(update={"universe": ("S1",)})

    assert any("Symbols other than S1" in use for use in card_of(judged(good), own).out_of_scope)


def test_the_page_tells_what_the_card_holds(candidate: Candidate) -> None:
    text = (candidate.folder / CARD_PAGE).read_text()

    for line in (*candidate.card.intended_use, *candidate.card.out_of_scope, *candidate.card.findings):
        assert f"- {line}" in text
    for section in ("Must not be used for", "Pinball loss by horizon", "Calibration", "Symbols", "Caveats"):
        assert f"## {section}" in text
    table = [line for line in text.splitlines() if line.startswith("| 10 |")]
    assert f"| {candidate.card.by_horizon[9].metrics[CANDIDATE]['mqloss']:.6f} |" in table[0]
    assert "nan" not in text.lower().replace("financ", "")


def test_its_pictures_are_drawn(candidate: Candidate, tmp_path: Path) -> None:
    for draw in (plot_reliability, plot_calibration):
        picture = tmp_path / f"{draw.__name__}.png"
        draw(candidate.card, picture)

        assert picture.read_bytes().startswith(b"\x89PNG")
        assert picture.stat().st_size > 5_000
