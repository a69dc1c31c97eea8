from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path

import pytest
from mlflow.entities import Run
from mlflow.tracking import MlflowClient
from packages.tuning.tests.studies import CONFIG, FOLDS, AnsweringPool, by_dropout
from tests.support.mlflow import MlflowServer

from closecast.mlflow_settings import MlflowSettings
from closecast.ports import free_ports
from closecast_trainer.config import TrainingConfig
from closecast_tuning.objective import Judgement
from closecast_tuning.record import Record, RecordError, open_record
from closecast_tuning.search import search
from closecast_tuning.study import Study, open_study


@contextmanager
def recorded(folder: Path, uri: str | None, experiment: str = "here") -> Iterator[tuple[Study, Record]]:
    settings = MlflowSettings(experiment=experiment, timeout_s=5)
    with (
        open_study(folder, "small", FOLDS, CONFIG) as study,
        open_record(settings, uri, folder, study, config=CONFIG, folds=FOLDS) as record,
    ):
        yield study, record


def go_on(study: Study, record: Record, trials: int, pool: AnsweringPool | None = None) -> None:
    search(study, pool or AnsweringPool(), trials=trials, folds=3, on_finish=lambda _: record.update())


def runs_in(uri: str, experiment: str = "here") -> tuple[Run, dict[int, Run]]:
    """Return the run of the study, and those of trials by number."""
    client = MlflowClient(tracking_uri=uri, registry_uri=uri)
    found = client.get_experiment_by_name(f"{experiment}-tuning")
    assert found is not None
    runs = client.search_runs([found.experiment_id])
    (parent,) = (run for run in runs if "closecast.study" in run.data.tags)
    nested = [run for run in runs if run.data.tags.get("mlflow.parentRunId") == parent.info.run_id]
    assert len(nested) == len(runs) - 1
    by_number = {int(run.data.tags["closecast.trial"]): run for run in nested}
    assert len(by_number) == len(nested), "each trial once"
    return parent, by_number


@pytest.mark.slow
def test_a_study_is_a_run_and_its_trials_are_runs_within(tmp_path: Path) -> None:
    seen = count()

    def fails_once(fold: int, config: TrainingConfig) -> Judgement:
        return Judgement(float("nan"), 2.0, "out of memory") if next(seen) == 4 else by_dropout(fold, config)

    with recorded(tmp_path, None) as (study, record):
        go_on(study, record, 4, AnsweringPool(fails_once))
        trials, best = study.finished(), study.best()

    parent, runs = runs_in(f"sqlite:///{tmp_path / 'mlflow.db'}")
    assert best is not None
    assert sorted(runs) == [0, 1, 2, 3]
    assert parent.info.status == "FINISHED"
    assert parent.data.params["folds"] == "3"
    assert parent.data.params["data.fingerprint"] == FOLDS[-1].panel.fingerprint()
    assert "hidden_size" in "".join(parent.data.params)
    assert parent.data.tags["best.trial"] == str(best.number)
    assert parent.data.tags["best.dropout"] == str(best.config.dropout)
    assert parent.data.metrics["best_relative_loss"] == best.loss
    artifact = tmp_path / "artifacts" / parent.info.run_id / "artifacts" / "small.env"
    assert f"CLOSECAST_TRAINER_TRAINING_DROPOUT={best.config.dropout}\n" in artifact.read_text()

    assert [runs[number].data.tags["closecast.trial_state"] for number in range(4)] == [one.state for one in trials]
    assert (runs[0].info.status, runs[1].info.status) == ("FINISHED", "FAILED")
    assert runs[1].data.tags["closecast.reason"] == "out of memory"
    assert runs[0].data.params["epochs"] == "1"
    assert runs[0].data.params["dropout"] == str(CONFIG.dropout)
    assert runs[0].data.metrics["relative_loss"] == trials[0].loss
    assert "relative_loss" not in runs[1].data.metrics
    client = MlflowClient(tracking_uri=f"sqlite:///{tmp_path / 'mlflow.db'}")
    history = client.get_metric_history(runs[0].info.run_id, "fold_relative_loss")
    assert {one.step: one.value for one in history} == dict(enumerate(trials[0].losses, start=1))


@pytest.mark.slow
def test_a_study_that_goes_on_keeps_its_run(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"

    def interrupted(_fold: int, _config: TrainingConfig) -> Judgement:
        raise KeyboardInterrupt

    with recorded(tmp_path, None) as (study, record):
        go_on(study, record, 2)
    with pytest.raises(KeyboardInterrupt), recorded(tmp_path, None) as (study, record):
        go_on(study, record, 3, AnsweringPool(interrupted))
    killed, runs = runs_in(uri)
    client = MlflowClient(tracking_uri=uri)
    client.update_run(runs[1].info.run_id, status="RUNNING")  # as a kill would have left it

    with recorded(tmp_path, None) as (study, record):
        go_on(study, record, 4)

    parent, runs = runs_in(uri)
    assert killed.info.status == "KILLED"
    assert (parent.info.run_id, parent.info.status) == (killed.info.run_id, "FINISHED")
    assert sorted(runs) == [0, 1, 3, 4], "the interrupted one comes again as 3; 1 was half recorded and is whole"
    assert all(run.info.status == "FINISHED" for run in runs.values())


def test_a_server_that_is_away_at_the_beginning_is_told(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    uri = f"http://127.0.0.1:{port}"

    with pytest.raises(RecordError, match=f"mlflow.tracking-uri: {uri} cannot be used"), recorded(tmp_path, uri):
        pass


@pytest.mark.mlflow
@pytest.mark.slow
def test_what_an_outage_kept_out_is_made_up_for(tmp_path: Path) -> None:
    folder = tmp_path / "server"
    folder.mkdir()
    server, opened = MlflowServer(folder), ExitStack()
    with server:
        study, record = opened.enter_context(recorded(tmp_path, server.uri))
        go_on(study, record, 1)
    go_on(study, record, 2)
    assert not record.update(), "the server is away"

    with server:
        assert record.update()
        opened.close()
        parent, runs = runs_in(server.uri)

    assert sorted(runs) == [0, 1]
    assert parent.info.status == "FINISHED"
