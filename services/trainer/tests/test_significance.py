import numpy as np
import pytest

from closecast_trainer.significance import diebold_mariano, reach, standard_error


def test_diebold_mariano_agrees_with_its_definition() -> None:
    difference = np.random.default_rng(0).normal(0.1, 1, 200)
    centered = difference - difference.mean()
    variance = (centered @ centered + 2 * centered[1:] @ centered[:-1]) / 200
    statistic = difference.mean() / np.sqrt(variance / 200) * np.sqrt((200 + 1 - 4 + 2 / 200) / 200)

    p_value = diebold_mariano(difference, ahead=2)

    normal_tail = 0.5 * (1 - np.sign(statistic) * (1 - np.exp(-0.717 * abs(statistic) - 0.416 * statistic**2)))
    assert p_value == pytest.approx(normal_tail, abs=0.02)


def test_diebold_mariano_is_right_as_often_as_it_says() -> None:
    random = np.random.default_rng(1)
    p_values = [diebold_mariano(random.normal(size=80), ahead=2) for _ in range(2000)]

    assert np.mean(np.array(p_values) < 0.05) == pytest.approx(0.05, abs=0.02)


def test_diebold_mariano_says_when_it_cannot_tell() -> None:
    assert np.isnan(diebold_mariano(np.array([0.1, 0.2, 0.3]), ahead=2))
    assert diebold_mariano(np.zeros(50), ahead=2) == 1.0
    assert diebold_mariano(np.full(50, 0.5), ahead=2) == 0.0


def test_a_confidence_interval_covers_the_mean_of_overlapping_forecasts() -> None:
    random = np.random.default_rng(2)
    covered = []
    for _ in range(1500):
        values = 0.3 + np.convolve(random.normal(size=121), [1, 1], mode="valid")
        covered.append(abs(values.mean() - 0.3) <= reach(values, ahead=2))

    assert np.mean(covered) == pytest.approx(0.95, abs=0.02)


def test_an_interval_that_takes_overlap_for_independence_is_too_narrow() -> None:
    values = np.convolve(np.random.default_rng(3).normal(size=401), [1, 1], mode="valid")

    assert reach(values, ahead=2) > 1.2 * reach(values, ahead=1)


def test_interval_and_test_agree() -> None:
    random = np.random.default_rng(4)
    for _ in range(200):
        difference = random.normal(0.15, 1, 80)
        is_above = difference.mean() - reach(difference, ahead=2) > 0

        assert is_above == (diebold_mariano(difference, ahead=2) < 0.025)


def test_errors_say_when_they_cannot_tell() -> None:
    assert np.isnan(standard_error(np.array([0.1, 0.2, 0.3, 0.4]), ahead=2))
    assert np.isnan(reach(np.array([0.1, 0.2]), ahead=1))
    assert standard_error(np.full(50, 0.5), ahead=2) == reach(np.full(50, 0.5), ahead=2) == 0.0
