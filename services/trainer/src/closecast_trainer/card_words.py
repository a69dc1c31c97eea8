"""The sentences of a model card: what a version is for, what it is not for, and what its figures say."""

from collections.abc import Sequence
from typing import Final

from closecast.forecasting.card import Calibration, Difference, Results, SymbolResults
from closecast.forecasting.spec import ModelSpec
from closecast.forecasting.unfamiliar import LARGEST_MOVE, LONGEST_GAP, LONGEST_STILL
from closecast.horizons import HORIZONS
from closecast_trainer.evaluation import BASE, CANDIDATE, NAIVE

_NAMED: Final = 30
"""Most symbols that a sentence names; each has a row of its own anyway."""


def description(spec: ModelSpec) -> str:
    """Return what kind of model a version is."""
    network = spec.hyperparameters
    lstms = (
        f" LSTMs ({network.members}, averaged; layers: {network.layers}, hidden size: {network.hidden_size}) that read "
        f"up to {spec.sequence_length} sessions correct the regression."
    )
    return (
        "The quantiles of a base, which is a random walk with the symbol's own volatility and the shape of its scaled "
        f"returns, are stretched around their median by a linear regression on {len(spec.features)} features of open, "
        f"high, low, close and volume.{lstms if _has_lstms(spec) else ''} Conformal factors, from a slice of their "
        "own, calibrate them."
    )


def intended_use(spec: ModelSpec) -> tuple[str, ...]:
    """Return what a version is for."""
    return (
        f"Forecasting the daily close of listed stocks ({', '.join(spec.calendars)}), 1 to {HORIZONS} sessions ahead.",
        "Telling how far a close may move from here and how likely that is: planning, limits, alerts.",
        "A reference that other forecasts are measured beside.",
    )


def out_of_scope(spec: ModelSpec) -> tuple[str, ...]:
    """Return what a version must not be used for."""
    uses = [
        "Advice to buy, hold or sell: it knows nothing of costs, taxes, liquidity or of whom it would advise.",
        "Orders that no person decides on.",
        "The direction of a price: it forecasts how far a close may move, and its median is the last close.",
        "The risk of a portfolio: quantiles are of one symbol each and say nothing of how symbols move together.",
        "Paths, such as the lowest close on the way or a barrier: each horizon is forecast by itself.",
        f"Prices within a session, and anything beyond {HORIZONS} sessions.",
        "Losses beyond the outermost quantiles (2.5 and 97.5 %), such as value at risk at 99 % and regulatory capital.",
        "What is no listed stock: options, futures, leveraged funds, bonds, cryptocurrencies.",
        "Takeovers, suspensions and other events that fix or stop a price.",
    ]
    if len(spec.universe) == 1:
        uses.append(f"Symbols other than {spec.universe[0]}, the only one that it was trained on.")
    return tuple(uses)


def caveats(spec: ModelSpec) -> tuple[str, ...]:
    """Return what a reader of the figures has to keep in mind."""
    left_to_base = (
        f"The base alone forecasts symbols with fewer than {spec.minimum_history} sessions, more than {LONGEST_GAP}"
        f" days between two of the latest {spec.sequence_length}, and those whose close stood still for {LONGEST_STILL}"
        f" sessions, or moved {LARGEST_MOVE:g}-fold in one."
    )
    return (
        left_to_base,
        f"Its figures are of {spec.slices.test.start} to {spec.slices.test.end}: other markets may be unlike these.",
        "It sees prices and volumes only: no news, no dates of earnings, no rates.",
        "Symbols that were delisted before its training may be missing from its universe (survivorship).",
        "Symbols and horizons are many: one in 40 comparisons looks better by chance, and one in 40 worse.",
        "Closes are in the share count of the session forecast from; in the metrics, dividends count as if kept.",
    )


def findings(
    spec: ModelSpec, overall: Results, by_horizon: Sequence[Results], symbols: Sequence[SymbolResults]
) -> tuple[str, ...]:
    """Return what the figures say, also where they say that the network adds nothing."""
    if not {BASE, NAIVE} <= overall.against.keys():
        return ("The forecasts are not all numbers: nothing can be said of them.",)
    beside = {reference: _compared(overall.against[reference].pinball) for reference in (NAIVE, BASE)}
    told = [
        f"Over all horizons its pinball loss is {beside[NAIVE]} naive's and {beside[BASE]} the base's.",
        _horizons(by_horizon),
        _symbols(symbols),
        _median(overall),
    ]
    if not _has_lstms(spec):
        told.insert(0, "LSTMs add nothing to it: in no epoch were they better than the regression alone, which speaks.")
    if overall.calibration is not None:
        told.append(_calibration(overall.calibration))
    return tuple(told)


def _has_lstms(spec: ModelSpec) -> bool:
    return spec.hyperparameters.best_epoch > 0


def _compared(difference: Difference) -> str:
    """Return how two mean losses compare, as a share of the reference's, with its confidence interval."""
    if not difference.relative:
        return "the same as"
    side = "below" if difference.relative < 0 else "above"
    interval = difference.relative_interval
    bounds = "" if interval is None else f" (95 % interval {interval[0]:+.2%} to {interval[1]:+.2%})"
    return f"{abs(difference.relative):.2%} {side}{bounds}"


def _horizons(by_horizon: Sequence[Results]) -> str:
    better = [
        str(results.horizon)
        for results in by_horizon
        if BASE in results.against and results.against[BASE].pinball.verdict == "better"
    ]
    if len(better) == len(by_horizon):
        return "It is better than the base at every horizon by more than chance allows."
    if not better:
        return "At no horizon is it better than the base by more than chance allows."
    return f"By more than chance allows it is better than the base at these horizons alone: {', '.join(better)}."


def _symbols(symbols: Sequence[SymbolResults]) -> str:
    named: dict[str, list[str]] = {"better": [], "worse": [], "undecided": []}
    for one in symbols:
        if BASE in one.against:
            named[one.against[BASE].verdict].append(one.symbol)
    adds_nothing = sorted(named["undecided"] + named["worse"])
    if not adds_nothing:
        return "It is better than the base for every symbol by more than chance allows."
    count = f"{len(adds_nothing)} of {len(symbols)}"
    parts = [f"For {count} symbols the network adds nothing beyond chance to the base: {_list(adds_nothing)}."]
    if named["worse"]:
        parts.append(f"It is worse than the base for {_list(named['worse'])}.")
    if named["better"]:
        parts.append(f"It is better for {_list(named['better'])}.")
    return " ".join(parts)


def _median(overall: Results) -> str:
    rmae = overall.metrics[CANDIDATE].get("rmae")
    told = "" if rmae is None else f" (rmae {rmae:.4f})"
    match overall.against[NAIVE].absolute_error.verdict:
        case "better":
            return f"Its median is closer to what came than the last close is{told}, by more than chance allows."
        case "worse":
            return f"Its median is further from what came than the last close is{told}."
        case _:
            return f"Its median is as good as the last close{told}: of the direction of a price it tells nothing."


def _calibration(calibration: Calibration) -> str:
    astray = [
        f"{share.observed:.1%} below the quantile of {share.nominal:.1%}"
        for share in calibration.quantiles
        if not share.is_consistent
    ]
    covered = ", ".join(f"{share.observed:.1%} within that of {share.nominal:.0%}" for share in calibration.intervals)
    intervals = f"Shares of the closes within intervals, over all horizons: {covered}"
    if not astray:
        return f"{intervals}; every quantile is where chance allows it to be."
    return f"{intervals}. More than chance explains: {', '.join(astray)}."


def _list(symbols: Sequence[str]) -> str:
    more = len(symbols) - _NAMED
    return ", ".join(symbols[:_NAMED]) + (f" and {more} more" if more > 0 else "")
