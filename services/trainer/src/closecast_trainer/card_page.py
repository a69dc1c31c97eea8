"""A model card as Markdown, for people who look at a run in MLflow."""

from collections.abc import Iterable, Sequence

from closecast.forecasting.card import INTERVALS, Calibration, Comparison, Difference, ModelCard, Results, Share
from closecast_trainer.artifacts import CALIBRATION_PLOT, PLOTS_PATH, RELIABILITY_PLOT
from closecast_trainer.evaluation import BASE, CANDIDATE, NAIVE


def page(card: ModelCard) -> str:
    """Return a card as a page of Markdown."""
    sections = [
        f"# Model card: {card.model}",
        f"Made {card.created_at:%Y-%m-%d %H:%M} UTC. {card.description}",
        _section("Intended use", _bullets(card.intended_use)),
        _section("Must not be used for", _bullets(card.out_of_scope)),
        _section("Data", _data(card)),
        _section("Gate", _gate(card)),
        _section("What the figures say", _bullets(card.findings)),
        _section("Pinball loss by horizon", _losses(card)),
        _section("Error of the median by horizon", _medians(card)),
        _section("Calibration", _calibration(card)),
        _section("Symbols", _symbols(card)),
        _section("Caveats", _bullets(card.caveats)),
    ]
    return _paragraphs(*sections) + "\n"


def _section(title: str, text: str) -> str:
    return f"## {title}\n\n{text}"


def _paragraphs(*parts: str) -> str:
    return "\n\n".join(parts)


def _bullets(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _data(card: ModelCard) -> str:
    data = card.data
    spans = [(name, str(span["start"]), str(span["end"])) for name, span in data.slices.model_dump().items()]
    return _paragraphs(
        _table(("slice", "from", "to"), spans),
        f"{len(data.symbols)} symbols of {', '.join(data.calendars)}: {', '.join(data.symbols)}.",
        f"Judged from {data.origins} origins on {data.origin_sessions} sessions of the test slice, one in {data.step}.",
        f"Fingerprint of the histories: `{data.fingerprint}`.",
    )


def _gate(card: ModelCard) -> str:
    verdict = "Promoted" if card.gate.promoted else "Refused"
    return f"{verdict}:\n\n{_bullets(card.gate.reasons)}"


def _losses(card: ModelCard) -> str:
    references = tuple(card.overall.against)
    rows = [
        (
            _horizon(results),
            _measure(results, "mqloss"),
            *(_pinball(results.against.get(reference)) for reference in references),
        )
        for results in (*card.by_horizon, card.overall)
    ]
    return _paragraphs(
        "Mean pinball loss of log returns (mqloss), and its difference from each reference's with a 95 % confidence "
        "interval (Diebold-Mariano). Below 0 this version is better.",
        _table(("horizon", "mqloss", *(f"vs {reference}" for reference in references)), rows),
    )


def _medians(card: ModelCard) -> str:
    rows = [
        (
            _horizon(results),
            _measure(results, "rmae"),
            _difference(results.against[NAIVE].absolute_error) if NAIVE in results.against else "",
        )
        for results in (*card.by_horizon, card.overall)
    ]
    return _paragraphs(
        "Mean absolute error over naive's (rmae); beside it, by how much the error in log returns differs from "
        "naive's, with its 95 % confidence interval.",
        _table(("horizon", "rmae", "vs naive"), rows),
    )


def _calibration(card: ModelCard) -> str:
    known = [(results, results.calibration) for results in (*card.by_horizon, card.overall) if results.calibration]
    if not known:
        return "The forecasts are not all numbers."
    levels = [f"{share.nominal:.1%}" for share in known[0][1].quantiles]
    intervals = [f"{share.nominal:.0%} interval" for share in known[0][1].intervals]
    rows = [(_horizon(results), *map(_share, _shares(calibration))) for results, calibration in known]
    return _paragraphs(
        "Share of closes at or below each quantile, and within each interval; \\* marks what is further from its "
        "nominal one than chance allows.",
        _table(("horizon", *levels, *intervals), rows),
        f"Reliability diagram: `{PLOTS_PATH}/{RELIABILITY_PLOT}` of the run. Coverage by horizon and histogram of the "
        f"probability integral transform: `{PLOTS_PATH}/{CALIBRATION_PLOT}`.",
    )


def _shares(calibration: Calibration) -> tuple[Share, ...]:
    return (*calibration.quantiles, *calibration.intervals)


def _symbols(card: ModelCard) -> str:
    rows = [
        (
            one.symbol,
            str(one.origins),
            *(_difference(one.against.get(reference)) for reference in (BASE, NAIVE)),
            one.against[BASE].verdict if BASE in one.against else "",
            *(f"{share:.1%}" for share in one.coverage),
        )
        for one in card.symbols
    ]
    head = (
        "symbol",
        "origins",
        "vs base",
        "vs naive",
        "beside the base",
        *(f"within {nominal:.0%}" for nominal in INTERVALS),
    )
    return _table(head, rows)


def _horizon(results: Results) -> str:
    return "all" if results.horizon is None else str(results.horizon)


def _measure(results: Results, name: str) -> str:
    value = results.metrics[CANDIDATE].get(name)
    return "" if value is None else f"{value:.6f}"


def _pinball(comparison: Comparison | None) -> str:
    return "" if comparison is None else _difference(comparison.pinball)


def _share(share: Share) -> str:
    return f"{share.observed:.1%}" + ("" if share.is_consistent else " \\*")


def _difference(difference: Difference | None) -> str:
    """Return a difference as a share of the reference's loss."""
    if difference is None or difference.relative is None:
        return ""
    interval = difference.relative_interval
    bounds = "" if interval is None else f" ({interval[0]:+.2%} to {interval[1]:+.2%})"
    return f"{difference.relative:+.2%}{bounds}"
