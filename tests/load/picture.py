"""The load as a picture: requests a second, their latency, and the replicas that answered them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from tests.load.phases import Phase, Request, begins
from tests.load.replicas import Look


def draw(
    file: Path, phases: Sequence[Phase], started: float, requests: Sequence[Request], looks: Sequence[Look]
) -> None:
    """Draw it into an SVG file."""
    figure = Figure(figsize=(10, 7), layout="constrained")
    rate, latency, replicas = figure.subplots(3, 1, sharex=True)
    end = begins(phases, started)[-1] - started
    seconds = np.array([one.at - started for one in requests])
    took = np.array([one.seconds for one in requests])
    failed = np.array([bool(one.failure) for one in requests])

    counts, edges = np.histogram(seconds, np.arange(0, end + 1))
    rate.step(edges[:-1], counts, where="post", linewidth=1)
    rate.set_ylabel("requests/s")
    rate.plot(seconds[failed], np.zeros(failed.sum()), "x", color="tab:red", label=f"{failed.sum()} failed")
    rate.legend(loc="upper right")

    starts = np.arange(0, end, 5)
    windows = [1000 * took[(seconds >= start) & (seconds < start + 5)] for start in starts]
    for share in (50, 95, 99):
        points = [np.percentile(window, share) if len(window) else np.nan for window in windows]
        latency.plot(starts, points, linewidth=1, label=f"p{share}")
    latency.set_ylabel("ms")
    latency.set_yscale("log")
    latency.legend(loc="upper right")

    at = [look.at - started for look in looks]
    replicas.step(at, [look.workers for look in looks], where="post", color="tab:gray", label="workers of Ray")
    replicas.step(at, [len(look.answering) for look in looks], where="post", label="replicas that answer")
    replicas.set_ylim(bottom=0)
    replicas.set_xlim(0, end)
    replicas.set_xlabel("seconds")
    replicas.legend(loc="upper right")

    for phase, begin in zip(phases, begins(phases, 0.0), strict=False):
        for axes in (rate, latency, replicas):
            axes.axvline(begin, color="lightgray", linewidth=0.8)
        rate.text(begin + 1, rate.get_ylim()[1], phase.name, fontsize=7, verticalalignment="bottom", rotation=20)
    figure.savefig(file, metadata={"Date": None})
