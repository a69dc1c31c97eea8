"""Making the model card of a candidate from what it was judged by."""

import math
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from closecast.forecasting.card import (
    CARD_FILE,
    CARD_PAGE,
    CardData,
    Comparison,
    Difference,
    GateVerdict,
    ModelCard,
    Results,
    SymbolResults,
)
from closecast.forecasting.metrics import finite, score
from closecast.forecasting.series import Floats
from closecast.forecasting.spec import ModelSpec
from closecast.horizons import HORIZONS
from closecast_trainer import card_words
from closecast_trainer.calibration import calibration, covered
from closecast_trainer.card_page import page
from closecast_trainer.evaluation import BASE, CANDIDATE, NAIVE, Evaluation
from closecast_trainer.gate import Decision
from closecast_trainer.significance import diebold_mariano, reach


def make_card(evaluation: Evaluation, spec: ModelSpec, decision: Decision) -> ModelCard:
    """Return the card of a model version: every figure comes from the origins that the gate decided by."""
    origins = evaluation.origins
    losses = {model: evaluation.losses(model) for model in evaluation.quantiles}
    by_session = {
        model: (evaluation.by_session(losses[model]), evaluation.by_session(evaluation.absolute_errors(model)))
        for model in evaluation.quantiles
    }
    overall = _results(evaluation, by_session)
    by_horizon = tuple(_results(evaluation, by_session, horizon) for horizon in range(1, HORIZONS + 1))
    symbols = tuple(_symbols(evaluation, losses))
    return ModelCard(
        model=spec.model,
        created_at=spec.created_at,
        description=card_words.description(spec),
        intended_use=card_words.intended_use(spec),
        out_of_scope=card_words.out_of_scope(spec),
        data=CardData(
            symbols=spec.universe,
            calendars=spec.calendars,
            slices=spec.slices,
            fingerprint=spec.data_fingerprint,
            origins=len(origins),
            origin_sessions=len(np.unique(origins.sessions)),
            step=evaluation.step,
        ),
        gate=GateVerdict(promoted=decision.promoted, reasons=decision.reasons),
        findings=card_words.findings(spec, overall, by_horizon, symbols),
        overall=overall,
        by_horizon=by_horizon,
        symbols=symbols,
        caveats=card_words.caveats(spec),
    )


def write_card(card: ModelCard, folder: Path) -> None:
    """Write card.json and, for people, card.md into a version's folder."""
    (folder / CARD_FILE).write_text(card.model_dump_json(indent=2) + "\n", encoding="utf-8")
    (folder / CARD_PAGE).write_text(page(card), encoding="utf-8")


def _results(
    evaluation: Evaluation, by_session: Mapping[str, tuple[Floats, Floats]], horizon: int | None = None
) -> Results:
    """Return how the candidate fared; `by_session` has pinball losses and absolute errors, ``[sessions, HORIZONS]``."""
    chosen = slice(None) if horizon is None else slice(horizon - 1, horizon)
    origins, metrics = evaluation.origins, evaluation.metrics
    if horizon is not None:
        metrics = {
            model: score(quantiles[:, chosen], origins.actual[:, chosen], origins.last_close, origins.rows)
            for model, quantiles in evaluation.quantiles.items()
        }
    against: dict[str, Comparison] = {}
    for reference in [model for model in evaluation.quantiles if model != CANDIDATE]:
        pinball, absolute_error = (
            _difference(
                own[:, chosen].mean(axis=1), other[:, chosen].mean(axis=1), ahead=evaluation.ahead(horizon or HORIZONS)
            )
            for own, other in zip(by_session[CANDIDATE], by_session[reference], strict=True)
        )
        if pinball is not None and absolute_error is not None:
            against[reference] = Comparison(pinball=pinball, absolute_error=absolute_error)
    return Results(
        horizon=horizon, metrics=finite(metrics), against=against, calibration=calibration(evaluation, horizon)
    )


def _symbols(evaluation: Evaluation, losses: Mapping[str, Floats]) -> Iterator[SymbolResults]:
    """Yield how the candidate fared with each symbol of which all its forecasts are numbers."""
    origins = evaluation.origins
    mean_losses = {model: losses[model].mean(axis=1) for model in (CANDIDATE, BASE, NAIVE)}
    inside = covered(evaluation)
    for row in np.unique(origins.rows):
        own = np.flatnonzero(origins.rows == row)
        candidate = mean_losses[CANDIDATE][own]
        if not np.isfinite(candidate).all():
            continue
        compared = {
            reference: _difference(candidate, mean_losses[reference][own], ahead=evaluation.ahead())
            for reference in (BASE, NAIVE)
        }
        yield SymbolResults(
            symbol=evaluation.symbols[row],
            origins=len(own),
            against={name: difference for name, difference in compared.items() if difference is not None},
            coverage=tuple(map(float, inside[own].mean(axis=0))),
        )


def _difference(own: Floats, reference: Floats, *, ahead: int) -> Difference | None:
    """Compare losses of the same sessions, in order of time; None if one is no number."""
    difference = own - reference
    mean, of_reference = float(difference.mean()), float(reference.mean())
    if not (math.isfinite(mean) and math.isfinite(of_reference)):
        return None
    width, p_worse = reach(difference, ahead), diebold_mariano(difference, ahead)
    return Difference(
        mean=mean,
        reference=of_reference,
        interval=None if math.isnan(width) else (mean - width, mean + width),
        p_worse=None if math.isnan(p_worse) else p_worse,
    )
