from dataclasses import replace
from datetime import timedelta

import pytest
from services.predictor.tests.live import MODEL, VERSION, by_symbol, scores_of

from closecast_predictor.drift import DriftMonitor, DriftSettings, Judgement
from closecast_predictor.scoring import Score

SETTINGS = DriftSettings()


def judge(scores: list[Score], settings: DriftSettings = SETTINGS) -> Judgement | None:
    monitor = DriftMonitor(settings)
    for symbol, its_own in by_symbol(scores).items():
        monitor.note(symbol, its_own)
    return monitor.judge(MODEL, VERSION)


def judgement_of(scores: list[Score], settings: DriftSettings = SETTINGS) -> Judgement:
    judged = judge(scores, settings)
    assert judged is not None
    return judged


def drifts_on_its_way(scores: list[Score]) -> bool:
    """Tell whether a version is ever found to drift while the closes of its sessions arrive one after the other."""
    monitor, told = DriftMonitor(SETTINGS), by_symbol(scores)
    for arrived in range(SETTINGS.min_sessions, len(scores) // len(told) + 1):
        for symbol, its_own in told.items():
            monitor.note(symbol, its_own[max(0, arrived - SETTINGS.sessions) : arrived])
        judged = monitor.judge(MODEL, VERSION)
        if judged is not None and judged.drifts:
            return True
    return False


@pytest.mark.parametrize("symbols", [1, 10])
def test_a_version_that_is_right_is_left_alone(symbols: int) -> None:
    alarms = [seed for seed in range(100) if drifts_on_its_way(scores_of(symbols, 40, seed=seed))]

    # Two versions in a hundred are suspected wrongly within forty sessions, judged after each of 31.
    assert len(alarms) <= 2, alarms


@pytest.mark.parametrize("symbols", [1, 3, 20])
@pytest.mark.parametrize("seed", range(5))
def test_medians_that_are_off_are_found(symbols: int, seed: int) -> None:
    judged = judgement_of(scores_of(symbols, shift=3.0, seed=seed))

    assert "error" in judged.drifts
    assert judged.error_ratio is not None
    assert judged.error_ratio > 1.1


@pytest.mark.parametrize("seed", range(5))
def test_a_median_that_is_off_is_no_matter_of_width(seed: int) -> None:
    judged = judgement_of(scores_of(shift=3.0, width=3.0, seed=seed))

    assert "error" in judged.drifts


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("width", "too_low"), [(0.4, True), (2.5, False)])
def test_intervals_that_are_too_narrow_or_too_wide_are_found(width: float, seed: int, *, too_low: bool) -> None:
    judged = judgement_of(scores_of(width=width, seed=seed))

    assert judged.drifts == {"coverage"}
    assert (judged.coverage < 0.8) is too_low


def test_what_is_far_off_is_found_within_the_fewest_sessions() -> None:
    judged = judgement_of(scores_of(sessions=SETTINGS.min_sessions, width=0.2))

    assert (judged.sessions, judged.symbols) == (10, 20)
    assert judged.drifts == {"coverage"}


def test_the_intervals_of_one_symbol_are_not_called_too_wide_by_a_month_that_luck_explains() -> None:
    judged = judgement_of([replace(score, covered=True) for score in scores_of(1)])

    assert (judged.coverage, judged.drifts) == (1.0, frozenset())


def test_few_sessions_tell_nothing_however_many_the_symbols() -> None:
    assert judge(scores_of(200, SETTINGS.min_sessions - 1, width=0.01)) is None
    assert judge([]) is None


def test_a_symbol_with_few_scores_does_not_count() -> None:
    new = [replace(score, symbol="NEW", covered=False, error=9.0) for score in scores_of(1, SETTINGS.min_sessions - 1)]

    assert judge([*scores_of(2), *new]) == judge(scores_of(2))


@pytest.mark.parametrize("others", [2, 4, 19])
def test_one_symbol_that_is_all_wrong_raises_no_alarm_alone(others: int) -> None:
    wrong = [replace(score, symbol="WRONG", error=9.0, covered=False) for score in scores_of(1)]

    assert judgement_of([*scores_of(others), *wrong]).drifts == frozenset()


def test_one_wrong_price_hides_nothing() -> None:
    first, *others = scores_of(shift=1.5, width=0.3)
    wrong = replace(first, error=9.0, naive_error=first.naive_error)

    assert judgement_of([wrong, *others]).drifts == judgement_of([first, *others]).drifts == {"error", "coverage"}


def test_sessions_in_which_all_symbols_miss_together_count_as_few() -> None:
    scores = scores_of(20, 10)
    missed = set(sorted({score.session for score in scores})[2:6])

    judged = judgement_of([replace(score, covered=score.session not in missed) for score in scores])

    assert judged.coverage == pytest.approx(0.6)
    assert not judged.drifts


def test_only_the_latest_sessions_count() -> None:
    recent = scores_of(sessions=20)
    long_ago = scores_of(sessions=20, width=0.1, last=min(score.session for score in recent) - timedelta(days=1))

    assert judge([*long_ago, *recent]) == judge(recent)


def test_scores_may_come_in_any_order() -> None:
    scores = scores_of(width=0.4)

    assert judgement_of(scores[::-1]) == judgement_of(scores)


def test_the_figures_are_those_of_the_median_symbol() -> None:
    def scores(symbol: str, error: float, missed: int) -> list[Score]:
        return [
            replace(score, symbol=symbol, error=error, naive_error=0.02, covered=at >= missed)
            for at, score in enumerate(scores_of(1, 10))
        ]

    judged = judgement_of([*scores("A", 0.01, 1), *scores("B", 0.03, 3), *scores("C", 0.05, 9)])

    assert (judged.sessions, judged.symbols) == (10, 3)
    assert judged.error_ratio == pytest.approx(1.5)
    assert judged.coverage == pytest.approx(0.7)
    assert judged.drifts == {"error"}


def test_off_by_no_more_than_the_margin_is_no_drift() -> None:
    settings = DriftSettings(standard_errors=0, error_margin=0.5, coverage_margin=0.1)
    scores = [
        replace(score, error=0.03, naive_error=0.02, covered=at >= 3) for at, score in enumerate(scores_of(1, 10))
    ]

    assert judgement_of(scores, settings).drifts == frozenset()
    assert judgement_of(scores, settings.model_copy(update={"error_margin": 0.49})).drifts == {"error"}
    assert judgement_of(scores, settings.model_copy(update={"coverage_margin": 0.09})).drifts == {"coverage"}


def test_closes_that_never_move_say_nothing_of_the_error() -> None:
    judged = judgement_of([replace(score, error=0.01, naive_error=0.0) for score in scores_of()])

    assert (judged.error_ratio, "error" in judged.drifts) == (None, False)


def test_a_version_is_judged_by_its_own_scores() -> None:
    monitor = DriftMonitor(SETTINGS)
    others = scores_of(["A", "B"], width=0.2), scores_of(["C"], width=0.2, version="4")
    for scores in (*others, scores_of(["D"], width=0.2, model="closecast-d")):
        for symbol, its_own in by_symbol(scores).items():
            monitor.note(symbol, its_own)

    judged = monitor.judge(MODEL, VERSION)

    assert judged is not None
    assert judged.symbols == 2
    assert monitor.judge("closecast-d", VERSION, "D") == judge(scores_of(["D"], width=0.2))
    assert monitor.judge("closecast-e", VERSION, "E") is None


def test_scores_that_were_corrected_replace_those_before() -> None:
    monitor = DriftMonitor(SETTINGS)
    monitor.note("A", scores_of(["A"], width=0.2))

    monitor.note("A", scores_of(["A"]))

    assert monitor.judge(MODEL, VERSION) == judge(scores_of(["A"]))


def test_fewest_sessions_are_no_more_than_those_that_are_judged() -> None:
    with pytest.raises(ValueError, match="min_sessions: 10 is more than sessions 8"):
        DriftSettings(sessions=8)
