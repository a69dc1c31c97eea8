from services.predictor.tests.api.conftest import client, desk, forecasts, serving

__all__ = ["client", "desk", "forecasts", "serving"]
