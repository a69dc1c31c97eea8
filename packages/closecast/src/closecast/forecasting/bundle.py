"""A model version as it is served: ONNX Runtime and a spec, without torch."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, Self

import numpy as np
import onnxruntime

from closecast.forecasting.base import price_quantiles
from closecast.forecasting.correction import corrected
from closecast.forecasting.inputs import prepare
from closecast.forecasting.panel import Panel
from closecast.forecasting.series import Floats, Series
from closecast.forecasting.spec import ONNX_FILE, InvalidBundleError, ModelSpec
from closecast.forecasting.unfamiliar import unfamiliar
from closecast.horizons import HORIZONS, LEVELS

_TRIAL: Final = "TRIAL"
_AT_ONCE: Final = 512
"""Symbols that go through features and network together: of fewer or more each takes longer."""


class Bundle:
    """Forecasts any symbol with one trained panel model; safe to share between threads.

    Attributes:
        spec: The model's spec.
        context: Sessions of a history that a forecast can depend on; older ones change nothing.
    """

    def __init__(self, spec: ModelSpec, session: onnxruntime.InferenceSession, threads: int = 1) -> None:
        """Make a bundle of a spec and the network that belongs to it; `load` reads both from a folder."""
        self.spec = spec
        self.context = spec.context
        self._session = session
        self._threads = threads
        self._shape = np.array(spec.base.shape)
        self._calibration = np.array(spec.calibration)

    @classmethod
    def load(cls, folder: Path, *, threads: int = 1) -> Self:
        """Read a model version's folder.

        Args:
            folder: Holds model.onnx and spec.json.
            threads: Threads of one forecast; more than one pays off for thousands of symbols at once.

        Raises:
            InvalidBundleError: If a file is missing or damaged, or was made for other features, horizons or levels.
        """
        spec = ModelSpec.read(folder)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            session = onnxruntime.InferenceSession(str(folder / ONNX_FILE), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime's errors share no class
            raise InvalidBundleError(f"{ONNX_FILE}: {error}") from error
        bundle = cls(spec, session, threads)
        bundle._require_forecasts()
        return bundle

    def forecast(self, panel: Panel) -> Floats:
        """Return price quantiles for the sessions after each symbol's latest, all symbols in one pass.

        Only the latest `spec.context` sessions of a history count. Those of `unfamiliar` get the base's quantiles.

        Returns:
            ``[symbols, HORIZONS, len(LEVELS)]``, in the currency and share count of the latest close; ascending along
            the levels, positive.
        """
        recent = panel.tail(self.context)
        parts = [recent.rows(start, start + _AT_ONCE) for start in range(0, len(recent), _AT_ONCE)]
        if self._threads == 1 or len(parts) == 1:
            return np.concatenate([self._forecast(part) for part in parts])
        with ThreadPoolExecutor(self._threads) as pool:
            return np.concatenate(list(pool.map(self._forecast, parts)))

    def unfamiliar(self, panel: Panel) -> Mapping[int, str]:
        """Return the rows whose forecast is the base's, and why: histories that no network has seen the like of."""
        return unfamiliar(
            panel.tail(self.context),
            minimum_history=self.spec.minimum_history,
            sequence_length=self.spec.sequence_length,
        )

    def _require_forecasts(self) -> None:
        """Try it out on a made-up history: a network may load that takes other inputs or gives no numbers.

        Raises:
            InvalidBundleError: If it does not forecast.
        """
        days = np.arange(self.context).astype("datetime64[D]")
        history = Series.from_closes(_TRIAL, days, 100 + np.sin(np.arange(self.context)))
        try:
            prices = self.forecast(Panel.of([history]))
        except Exception as error:  # ONNX Runtime's errors share no class
            raise InvalidBundleError(f"{ONNX_FILE}: {error}") from error
        if prices.shape != (1, HORIZONS, len(LEVELS)) or not np.isfinite(prices).all():
            raise InvalidBundleError(f"{ONNX_FILE}: forecasts what are no prices")

    def _forecast(self, panel: Panel) -> Floats:
        inputs = prepare(panel, self.spec)
        (correction,) = self._session.run(None, {"features": inputs.features, "last": inputs.last})
        volatility = np.take_along_axis(inputs.volatility, inputs.last[:, None], axis=1)[:, 0]
        shape = corrected(self._shape, correction.astype(np.float64), self._calibration)
        shape[list(self.unfamiliar(panel))] = self._shape
        return price_quantiles(panel.last_close, volatility, shape)
