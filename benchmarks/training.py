"""A panel of 20 symbols and ten years to a judged model, beside one MinMax-scaled LSTM a symbol and neuralforecast's.

Of Closecast is timed all that the trainer does between the quotes and the gate's decision: fitting the base, training,
calibration, export to ONNX and evaluation. Of the MinMax LSTM is timed the fit alone, on a few symbols, with as many
threads as make it quickest; of neuralforecast's LSTM the fit before the gate's test slice and its forecasts from the
same origins.

    python -m benchmarks.training [--peer-symbols 2]
"""

import argparse
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import Final

import numpy as np
import torch

from benchmarks.peers import minmax_lstm
from benchmarks.report import Figures, Target, report
from closecast.forecasting.panel import Panel
from closecast_backtest.peers.neural import Neural
from closecast_backtest.peers.peer import adjusted_closes
from closecast_backtest.quotes import read_quotes
from closecast_ingestor.sources.base import Source
from closecast_ingestor.sources.csv_folder import CsvFolder
from closecast_ingestor.sources.sample import Sample
from closecast_trainer.candidate import Candidate, make_candidate
from closecast_trainer.config import TrainingConfig

B3: Final = Path(__file__).resolve().parents[2] / "shared" / "data" / "b3"
DELISTED: Final = "NATU3.SA"
NEEDED: Final = 15.0


def main() -> int:
    """Measure, report, and return 0 if the target was met."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer-symbols", type=int, default=2, help="symbols that the peer is fitted to")
    options = parser.parse_args()
    panel = read_panel()
    _warm_up()
    closes = adjusted_closes(panel, date.max)[: options.peer_symbols]
    peer_closes = [row[~np.isnan(row)] for row in closes]
    threads = minmax_lstm.quickest_threads(peer_closes[0])
    peers = [minmax_lstm.fit(closes) for closes in peer_closes]
    with tempfile.TemporaryDirectory() as scratch:
        began = time.perf_counter()
        candidate = make_candidate(panel, Path(scratch) / "model", TrainingConfig(), model="benchmark", device="cpu")
        seconds = time.perf_counter() - began
    library_seconds = _seconds_of_neuralforecast(panel, candidate)
    per_symbol = seconds / len(panel)
    peer_per_symbol = float(np.mean([peer.seconds for peer in peers]))
    rows: dict[str, Figures] = {
        "Closecast: panel, judged": _figures(panel, candidate, seconds),
        "MinMax LSTM a symbol": {
            "symbols": len(peers),
            "seconds": round(sum(peer.seconds for peer in peers), 2),
            "s/symbol": round(peer_per_symbol, 3),
            "threads": threads,
            "rmae h1": round(float(np.mean([peer.rmae for peer in peers])), 3),
        },
        "neuralforecast's LSTM, 300 steps": {"symbols": len(panel), "seconds": round(library_seconds, 2)},
    }
    targets = [
        Target("MinMax LSTM's seconds a symbol over Closecast's", round(peer_per_symbol / per_symbol, 1), NEEDED),
        Target("neuralforecast's LSTM's seconds over Closecast's", round(library_seconds / seconds, 2), 1.0),
    ]
    return 0 if report("training", "Training", rows, targets) else 1


def _seconds_of_neuralforecast(panel: Panel, candidate: Candidate) -> float:
    peer = Neural("LSTM", seed=0, device="cpu")
    began = time.perf_counter()
    peer.forecast(panel, candidate.spec.slices.test.start, candidate.evaluation.origins)
    return time.perf_counter() - began


def _figures(panel: Panel, candidate: Candidate, seconds: float) -> Figures:
    return {
        "symbols": len(panel),
        "seconds": round(seconds, 2),
        "s/symbol": round(seconds / len(panel), 3),
        "threads": candidate.result.config.threads,
        "rmae h1": round(_rmae_of_next_close(candidate), 3),
        "epochs": len(candidate.result.epochs) - 1,
        "skill": round(candidate.evaluation.skill, 4),
        "outcome": "promoted" if candidate.decision.promoted else "rejected",
    }


def _rmae_of_next_close(candidate: Candidate) -> float:
    evaluation = candidate.evaluation
    actual = evaluation.origins.actual[:, 0]
    median = evaluation.quantiles["candidate"][:, 0, 3]
    return float(np.abs(actual - median).mean() / np.abs(actual - evaluation.origins.last_close).mean())


def read_panel() -> Panel:
    """Return what the ingestor would publish of ../shared, or of the sample, without the symbol that ends early."""
    source: Source = CsvFolder(B3) if B3.is_dir() else Sample()
    return read_quotes(source, [symbol for symbol in source.symbols() if symbol != DELISTED]).panel


def _warm_up() -> None:
    """Let torch load what it loads on first use, so that no contender pays for it; the exporter stays on our bill."""
    torch.nn.LSTM(1, 2)(torch.zeros(1, 2, 1))[0].sum().backward()


if __name__ == "__main__":
    sys.exit(main())
