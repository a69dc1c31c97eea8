import pytest
from services.trainer.tests.panels import QUICK, make_panel, shuffled_after

from closecast_tuning.folds import make_folds
from closecast_tuning.objective import judge


@pytest.mark.slow
def test_what_comes_after_the_folds_changes_no_judgement() -> None:
    panel = make_panel(symbols=2, sessions=500)
    (fold,) = make_folds(panel, 1)
    later = shuffled_after(panel, fold.panel.width + 10)
    epochs: list[int] = []

    first = judge(fold.panel, QUICK, "cpu", lambda epoch: epochs.append(epoch.epoch))
    second = judge(make_folds(later, 1)[0].panel, QUICK, "cpu")

    assert first.error == ""
    assert 0.5 < first.loss < 1.5
    assert second.loss == first.loss
    assert epochs == [0, 1, 2]


def test_a_training_that_cannot_be_done_is_a_judgement() -> None:
    judged = judge(make_panel(symbols=1, sessions=200), QUICK, "cpu")

    assert judged.loss != judged.loss, "NaN"
    assert judged.error == "NotEnoughHistoryError: the panel has 200 sessions, a training needs 300"
