from pathlib import Path

import pytest
from packages.tuning.tests.studies import CONFIG, FOLDS, searched
from services.trainer.tests.panels import make_panel

from closecast_trainer.config import TrainingConfig
from closecast_tuning.folds import Fold, make_folds
from closecast_tuning.space import SPACE
from closecast_tuning.study import StudyError, open_study

OTHER = make_folds(make_panel(symbols=2, sessions=800), 3)


@pytest.mark.parametrize(
    ("folds", "config", "told"),
    [
        (OTHER, CONFIG, "data: study small was begun with other quotes, symbols or --until; choose another --study"),
        (FOLDS[1:], CONFIG, "folds: study small was begun with 3, not 2; say 3, or choose another --study"),
        (FOLDS, TrainingConfig(epochs=2), "epochs: study small was begun with 1, not 2"),
        (FOLDS, TrainingConfig(epochs=1, seed=5), "seed: study small was begun with 0, not 5"),
        (FOLDS, TrainingConfig(epochs=1, patience=3), "training: study small was begun with another training or def"),
    ],
)
def test_a_study_refuses_what_makes_its_losses_incomparable(
    tmp_path: Path, folds: tuple[Fold, ...], config: TrainingConfig, told: str
) -> None:
    searched(tmp_path, 1)

    with pytest.raises(StudyError, match=told), open_study(tmp_path, "small", folds, config):
        pass


def test_another_search_space_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    searched(tmp_path, 1)
    monkeypatch.setattr("closecast_tuning.study.SPACE", {"dropout": SPACE["dropout"]})

    with pytest.raises(StudyError, match="search space: study small"), open_study(tmp_path, "small", FOLDS, CONFIG):
        pass


def test_threads_change_no_result_and_are_not_asked_about(tmp_path: Path) -> None:
    searched(tmp_path, 1)

    with open_study(tmp_path, "small", FOLDS, TrainingConfig(epochs=1, threads=2)) as study:
        assert len(study.finished()) == 1


def test_studies_of_a_folder_know_nothing_of_each_other(tmp_path: Path) -> None:
    searched(tmp_path, 1)

    with open_study(tmp_path, "other", OTHER, CONFIG) as other:
        assert other.finished() == ()
        assert other.best() is None
        with open_study(tmp_path, "small", FOLDS, CONFIG) as study:
            assert study.id != other.id


def test_one_process_at_a_time(tmp_path: Path) -> None:
    held, refused = open_study(tmp_path, "small", FOLDS, CONFIG), pytest.raises(StudyError, match="study: another proc")
    with held, refused:
        searched(tmp_path, 1)

    assert len(searched(tmp_path, 1)) == 1
