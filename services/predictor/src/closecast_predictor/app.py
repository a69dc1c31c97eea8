"""The Serve application, for the command and for Serve's configurations (`closecast_predictor.app:build`)."""

import warnings
from typing import Any, Final

from ray import serve
from ray.serve import Application
from ray.serve.config import AutoscalingConfig, AutoscalingPolicy, BackpressureConfig

from closecast_predictor.access.setup import warn_if_open
from closecast_predictor.autoscaling import BusyPolicy
from closecast_predictor.deployments import Api, Forecaster
from closecast_predictor.settings import PredictorSettings

NAME: Final = "closecast"

_METRICS_INTERVAL_S: Final = 2.0
_LOOK_BACK_S: Final = 5.0
_UPSCALE_DELAY_S: Final = 3.0
_DOWNSCALE_DELAY_S: Final = 120.0
_TARGET_ONGOING: Final = 32
_MAX_ONGOING: Final = 1000
_FORECASTER_CALLS: Final = 1000
_RETRY_S: Final = 1
_ELSEWHERE: Final = "as Ray Serve is configured"


def build(_arguments: dict[str, Any] | None = None) -> Application:
    """Return the application with the settings of the environment, for Ray Serve's configuration files.

    Raises:
        SettingsError: If a setting is unknown or out of bounds.
    """
    settings = PredictorSettings.load()
    # Here Ray Serve's own configuration says what it listens on, and a cluster is no laptop.
    warn_if_open(settings, _ELSEWHERE)
    return application(settings)


def application(settings: PredictorSettings) -> Application:
    """Return the application: one forecaster, and replicas that answer."""
    settings = settings.model_copy(update={"auth": settings.auth.ready_to_share()})
    forecaster = serve.deployment(
        name="Forecaster",
        num_replicas=1,
        max_ongoing_requests=_FORECASTER_CALLS,
        # Long polls of the replicas are always under way; waiting for them would only delay a stop.
        graceful_shutdown_timeout_s=1,
        health_check_period_s=2,
        ray_actor_options={"num_cpus": settings.forecaster_cpus},
    )(Forecaster)
    api = serve.deployment(
        name="Api",
        max_ongoing_requests=_MAX_ONGOING,
        max_queued_requests=_MAX_ONGOING,
        backpressure_config=BackpressureConfig(retry_after_s=_RETRY_S),
        autoscaling_config=_autoscaling(settings),
        graceful_shutdown_timeout_s=settings.drain_s,
        ray_actor_options={"num_cpus": settings.replica_cpus},
    )(Api)
    return api.bind(settings, forecaster.bind(settings))


def _autoscaling(settings: PredictorSettings) -> AutoscalingConfig:
    with warnings.catch_warnings():
        # Ray 2.60 calls metrics_interval_s deprecated but reads the variable that is to replace it nowhere.
        warnings.filterwarnings("ignore", message=".*metrics_interval_s", category=DeprecationWarning)
        return AutoscalingConfig(
            min_replicas=settings.min_replicas,
            max_replicas=settings.max_replicas,
            target_ongoing_requests=_TARGET_ONGOING,
            metrics_interval_s=_METRICS_INTERVAL_S,
            look_back_period_s=_LOOK_BACK_S,
            upscale_delay_s=_UPSCALE_DELAY_S,
            downscale_delay_s=_DOWNSCALE_DELAY_S,
            policy=AutoscalingPolicy(  # type: ignore[no-untyped-call]
                policy_function=BusyPolicy, policy_kwargs={"target_busy": settings.target_busy}
            ),
        )
