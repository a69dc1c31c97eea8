from itertools import count
from pathlib import Path

import pytest
from packages.tuning.tests.studies import CONFIG, AnsweringPool, by_dropout, searched, states_of, values

from closecast_trainer.config import TrainingConfig
from closecast_tuning.objective import Judgement
from closecast_tuning.space import SPACE, starting_point


def test_the_defaults_come_first_and_the_best_is_no_worse(tmp_path: Path) -> None:
    trials = searched(tmp_path, 20)

    assert len(trials) == 20
    assert trials[0].parameters == starting_point(CONFIG)
    assert trials[0].config == CONFIG
    best = min((trial for trial in trials if trial.state == "complete"), key=lambda trial: trial.loss)
    assert best.loss < trials[0].loss
    assert abs(best.config.dropout - 0.3) < 0.1, "where the judgements are best"


def test_what_does_not_look_good_is_pruned_and_never_the_first_ones(tmp_path: Path) -> None:
    numbers = count()

    def worse_from_the_sixth_on(fold: int, _config: TrainingConfig) -> Judgement:
        return Judgement(loss=0.9 if next(numbers) < 5 * 3 else 1.1 + fold, seconds=1)

    pool = AnsweringPool(worse_from_the_sixth_on)
    trials = searched(tmp_path, 8, pool)

    assert [trial.state for trial in trials] == ["complete"] * 5 + ["pruned"] * 3
    assert [len(trial.losses) for trial in trials] == [3] * 5 + [1] * 3
    assert trials[-1].seconds == 1
    assert [fold for trial, fold in pool.asked if trial == 7] == [0], "its other folds are not trained"


def test_a_trial_that_fails_is_told_why_and_counts(tmp_path: Path) -> None:
    numbers = count()

    def fails_once(fold: int, config: TrainingConfig) -> Judgement:
        return Judgement(float("nan"), 2.0, "out of memory") if next(numbers) == 4 else by_dropout(fold, config)

    trials = searched(tmp_path, 3, AnsweringPool(fails_once))

    assert [trial.state for trial in trials] == ["complete", "failed", "complete"]
    assert (trials[1].error, len(trials[1].losses), trials[1].seconds) == ("out of memory", 1, 2.5)
    assert len(searched(tmp_path, 3)) == 3, "nothing is left to do"


@pytest.mark.slow
@pytest.mark.parametrize("asked", [1, 13, 37])
def test_an_interrupted_study_goes_on_as_if_it_had_not_been(tmp_path: Path, asked: int) -> None:
    numbers = count()

    def interrupted(fold: int, config: TrainingConfig) -> Judgement:
        if next(numbers) == asked:
            raise KeyboardInterrupt
        return by_dropout(fold, config)

    whole = searched(tmp_path / "whole", 16)
    with pytest.raises(KeyboardInterrupt):
        searched(tmp_path / "parts", 16, AnsweringPool(interrupted))
    parts = searched(tmp_path / "parts", 16)

    assert states_of(tmp_path / "parts").count("FAIL") == 1, "the interrupted one"
    assert "RUNNING" not in states_of(tmp_path / "parts")
    assert values(parts) == values(whole)


def test_more_trials_continue_a_study_and_never_repeat_it(tmp_path: Path) -> None:
    first = searched(tmp_path / "parts", 7)
    both = searched(tmp_path / "parts", 14)

    assert values(both[:7]) == values(first)
    assert values(both) == values(searched(tmp_path / "whole", 14))
    assert len({tuple(trial.parameters[name] for name in SPACE) for trial in both}) == 14


def test_another_seed_searches_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = searched(tmp_path / "a", 3)
    monkeypatch.setattr("packages.tuning.tests.studies.CONFIG", TrainingConfig(epochs=1, seed=1))
    second = searched(tmp_path / "b", 3)

    assert first[0].parameters == second[0].parameters
    assert first[1].parameters != second[1].parameters


def test_trials_side_by_side_come_to_the_same_number(tmp_path: Path) -> None:
    trials = searched(tmp_path, 10, AnsweringPool(slots=4))

    assert [trial.number for trial in trials] == list(range(10))
    assert all(len(trial.losses) == 3 for trial in trials if trial.state == "complete")


def test_all_trials_that_ran_side_by_side_are_taken_up_again(tmp_path: Path) -> None:
    numbers = count()

    def interrupted(fold: int, config: TrainingConfig) -> Judgement:
        if next(numbers) == 4:
            raise KeyboardInterrupt
        return by_dropout(fold, config)

    with pytest.raises(KeyboardInterrupt):
        searched(tmp_path, 6, AnsweringPool(interrupted, slots=3))
    trials = searched(tmp_path, 6, AnsweringPool(slots=3))

    assert len(trials) == 6
    assert sum(trial.parameters == starting_point(CONFIG) for trial in trials) == 1
    assert states_of(tmp_path).count("FAIL") == 3
