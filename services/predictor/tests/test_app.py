import inspect

import pytest
from pydantic_settings import SettingsError
from ray.serve import Application

from closecast_predictor.app import build


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
