import inspect
from typing import cast

import pytest
from pydantic_settings import SettingsError
from ray.serve import Application

from closecast_predictor.app import build
from closecast_predictor.settings import PredictorSettings


def test_a_serve_configuration_can_build_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOSECAST_PREDICTOR_MAX_REPLICAS", "5")

    application = build({})

    assert isinstance(application, Application)
    deployment = application._bound_deployment
    assert deployment.name == "Api"
    autoscaling = deployment._deployment_config.autoscaling_config
    assert autoscaling is not None
    assert autoscaling.max_replicas == 5
    assert len(inspect.signature(build).parameters) == 1


def test_a_wrong_setting_is_told_when_it_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOSECAST_PREDICTOR_MAX_REPLICAS", "none")

    with pytest.raises(SettingsError, match="max_replicas"):
        build({})


def test_on_a_cluster_its_parts_take_cpus_and_replicas_have_time_to_drain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOSECAST_PREDICTOR_REPLICA_CPUS", "1")
    monkeypatch.setenv("CLOSECAST_PREDICTOR_FORECASTER_CPUS", "0.5")
    monkeypatch.setenv("CLOSECAST_PREDICTOR_DRAIN_S", "45")

    api = build({})._bound_deployment

    assert (api.ray_actor_options or {})["num_cpus"] == 1
    assert api._deployment_config.graceful_shutdown_timeout_s == 45
    _, forecaster = cast("tuple[PredictorSettings, Application]", api.init_args)
    assert (forecaster._bound_deployment.ray_actor_options or {})["num_cpus"] == 0.5
