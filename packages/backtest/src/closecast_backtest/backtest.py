"""A backtest from the folder of quotes to the file of rows and the tables."""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from rich.console import Console

from closecast.forecasting.series import Floats
from closecast_backtest.peers import PEERS
from closecast_backtest.peers.loading import load_peer
from closecast_backtest.peers.peer import Peer
from closecast_backtest.plan import Plan, make_plan
from closecast_backtest.progress import Teller, telling
from closecast_backtest.quotes import read_folder
from closecast_backtest.report import Contender, print_by_symbol, print_report
from closecast_backtest.rows import make_rows, write_rows
from closecast_backtest.settings import BacktestSettings
from closecast_backtest.walk import BASE, walk


def run_backtest(settings: BacktestSettings, console: Console) -> None:
    """Read, plan, walk, write the rows, measure the peers and print the tables.

    Raises:
        SourceError: If the quotes cannot be read.
        PlanError: If there is nothing to train on or to forecast from.
        PeerError: If a peer cannot forecast at all.
        OSError: If the rows cannot be written.
    """
    with telling() as teller:
        plan = _plan(settings, teller)
        threads = torch.get_num_threads()
        began = time.perf_counter()
        with tempfile.TemporaryDirectory(prefix="closecast-backtest-") as folder:
            forecasts = walk(plan, Path(folder), settings.training, teller, device=settings.device)
        seconds = time.perf_counter() - began
        write_rows(make_rows(plan, forecasts), settings.out)
        teller.say(f"{len(plan.origins) * plan.horizon} rows are in {settings.out}")
        torch.set_num_threads(threads)  # training has taken what suits it
        peers = dict(_peers(settings, plan, teller))
        base = _forecast(load_peer(BASE), plan) if settings.per_symbol else None
    contenders = [Contender("Closecast", forecasts.quantiles, seconds), *peers.values()]
    print_report(console, plan, forecasts, contenders)
    if base is not None:
        print_by_symbol(console, plan, forecasts.quantiles, base)


def _plan(settings: BacktestSettings, teller: Teller) -> Plan:
    panel = read_folder(settings.data, settings.symbols, teller)
    plan = make_plan(panel, settings.start, step=settings.step, horizon=settings.horizon, refit=settings.refit)
    for row in np.setdiff1d(np.arange(len(plan.panel)), plan.origins.rows):
        symbol, length = plan.panel.symbols[row], plan.panel.lengths[row]
        teller.say(f"{symbol}: no origin among its {length} sessions, the last of them {plan.panel.last_session[row]}")
    teller.expect(len(plan.folds), settings.epochs)
    return plan


def _peers(settings: BacktestSettings, plan: Plan, teller: Teller) -> Iterator[tuple[str, Contender]]:
    for name in teller.over("peers", settings.peers):
        began = time.perf_counter()
        quantiles = _forecast(load_peer(name, seed=settings.seed, device=settings.device), plan)
        seconds = time.perf_counter() - began
        teller.say(f"peer {name}: {seconds:.1f} s")
        yield name, Contender(PEERS[name].title, quantiles, seconds)


def _forecast(peer: Peer, plan: Plan) -> Floats:
    """Return a peer's forecasts of all origins, fitted anew wherever Closecast is, ``[origins, horizon, levels]``."""
    parts = [peer.forecast(plan.panel, fold.cut, fold.origins)[:, : plan.horizon] for fold in plan.folds]
    quantiles = np.empty((len(plan.origins), *parts[0].shape[1:]))
    for fold, part in zip(plan.folds, parts, strict=True):
        quantiles[fold.at] = part
    return quantiles
