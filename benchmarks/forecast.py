"""2,000 symbols, ten horizons each, at once: ONNX Runtime as it serves, beside the same weights in torch.

Histories are stretches of the 20 stocks in ../shared, or of the sample, each cut elsewhere. The network has all its
LSTMs, with weights that make every one speak. Timed is everything between a panel of histories and prices.

    python -m benchmarks.forecast [--symbols 2000]
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import torch

from benchmarks.report import Figures, Target, report
from benchmarks.training import read_panel
from closecast.forecasting.base import price_quantiles
from closecast.forecasting.bundle import Bundle
from closecast.forecasting.correction import corrected
from closecast.forecasting.inputs import prepare
from closecast.forecasting.panel import Panel
from closecast.forecasting.series import Floats
from closecast.forecasting.spec import ModelSpec
from closecast_trainer.config import TrainingConfig
from closecast_trainer.export import export, make_spec
from closecast_trainer.model import CorrectionNetwork, LastStep
from closecast_trainer.training import TrainingResult, train

MOST_SECONDS: Final = 2.0
LARGEST_DIFFERENCE: Final = 1e-5
_TIMES: Final = 5
_THREADS: Final = min(2, os.cpu_count() or 1)


def main() -> int:
    """Measure, report, and return 0 if the targets were met."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--symbols", type=int, default=2000, help="symbols to forecast at once")
    options = parser.parse_args()
    universe = read_panel()
    result = _speaking(train(universe, TrainingConfig(members=0), device="cpu"))
    spec = make_spec(result, universe, model="benchmark")
    panel = _many(universe, options.symbols, spec.context)
    torch.set_num_threads(_THREADS)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "model"
        export(result, spec, folder)
        bundle = Bundle.load(folder, threads=_THREADS)
    served, served_seconds = _quickest(lambda: bundle.forecast(panel))
    trained, torch_seconds = _quickest(lambda: _in_torch(result.network, spec, panel))
    difference = float(np.abs(served / trained - 1).max())
    rows: dict[str, Figures] = {
        "Closecast: ONNX Runtime": _figures(panel, served_seconds),
        "the same in torch": _figures(panel, torch_seconds),
    }
    targets = [
        Target(f"seconds for {len(panel):,} symbols", round(served_seconds, 3), MOST_SECONDS, at_least=False),
        Target("torch's seconds over ONNX Runtime's", round(torch_seconds / served_seconds, 2), 1.0),
        Target("largest relative difference of a price", difference, LARGEST_DIFFERENCE, at_least=False),
    ]
    return 0 if report("forecast", "Forecasts of many symbols at once", rows, targets) else 1


def _figures(panel: Panel, seconds: float) -> Figures:
    return {
        "symbols": len(panel),
        "seconds": round(seconds, 3),
        "symbols/s": round(len(panel) / seconds),
        "threads": _THREADS,
    }


def _speaking(result: TrainingResult) -> TrainingResult:
    """Return a training whose network has all LSTMs of the defaults, with heads that are not zero."""
    config = TrainingConfig()
    torch.manual_seed(0)
    network = CorrectionNetwork(
        len(result.fitted.feature_mean), config.hidden_size, config.layers, config.dropout, config.members
    )
    for name, parameter in network.named_parameters():
        if name.endswith("head.weight"):
            torch.nn.init.normal_(parameter)
    network.linear.load_state_dict(result.network.linear.state_dict())
    return replace(result, network=network.eval(), config=config)


def _many(universe: Panel, symbols: int, context: int) -> Panel:
    """Return histories as long as a forecast can see, of the universe's rows in turn, each ending elsewhere."""
    rows = np.arange(symbols) % len(universe)
    return universe.windows(rows, universe.width - 1 - np.arange(symbols) // len(universe), context)


def _in_torch(network: CorrectionNetwork, spec: ModelSpec, panel: Panel) -> Floats:
    inputs = prepare(panel, spec)
    with torch.inference_mode():
        correction = LastStep(network)(torch.from_numpy(inputs.features), torch.from_numpy(inputs.last)).numpy()
    volatility = np.take_along_axis(inputs.volatility, inputs.last[:, None], axis=1)[:, 0]
    shape = corrected(np.array(spec.base.shape), correction.astype(np.float64), np.array(spec.calibration))
    return price_quantiles(panel.last_close, volatility, shape)


def _quickest(forecast: Callable[[], Floats]) -> tuple[Floats, float]:
    """Return what is forecast, and the seconds of the quickest of a few times: what the machine can do undisturbed."""
    prices = forecast()
    seconds = []
    for _ in range(_TIMES):
        began = time.perf_counter()
        forecast()
        seconds.append(time.perf_counter() - began)
    return prices, min(seconds)


if __name__ == "__main__":
    sys.exit(main())
