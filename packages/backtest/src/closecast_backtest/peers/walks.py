"""Peers that say "tomorrow equals today": random walks with intervals from EWMA volatility."""

from datetime import date

from closecast.forecasting.base import BaseForecaster, BaseParameters
from closecast.forecasting.panel import Panel
from closecast.forecasting.series import Floats
from closecast_backtest.plan import before
from closecast_trainer.baselines import Origins, ewma
from closecast_trainer.evaluation import forecast_at


class Ewma:
    """Normal quantiles at RiskMetrics' decay of 0.94; nothing is fitted."""

    def forecast(self, panel: Panel, cut: date, origins: Origins) -> Floats:  # noqa: ARG002
        """Return price quantiles; see `closecast_backtest.peers.peer.Peer`."""
        return ewma(panel, origins)


class Base:
    """The base that Closecast's model corrects: decay and shape of the quantiles as they were before the cut."""

    def forecast(self, panel: Panel, cut: date, origins: Origins) -> Floats:
        """Return price quantiles; see `closecast_backtest.peers.peer.Peer`."""
        return forecast_at(BaseForecaster(BaseParameters.fit(before(panel, cut))), panel, origins)
