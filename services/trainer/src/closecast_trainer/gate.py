"""The promotion gate: a candidate is served only if it is no worse than any of what it could replace."""

import math
from typing import Final

from pydantic import BaseModel, ConfigDict

from closecast.horizons import HORIZONS
from closecast_trainer.config import GateSettings
from closecast_trainer.evaluation import BASE, CANDIDATE, CHAMPION, NAIVE, PANEL, Evaluation

_JUDGED: Final = {"mqloss": "pinball loss", "rmae": "error of the median"}


class Decision(BaseModel):
    """What the gate decided, and why.

    Attributes:
        promoted: Whether the candidate becomes champion.
        reasons: One line for each fault, or the one that sums up why there is none.
        retires: Whether the champion ceases to be one: a symbol's own that the panel's champion is as good as.
    """

    model_config = ConfigDict(frozen=True)

    promoted: bool
    reasons: tuple[str, ...]
    retires: bool = False

    @property
    def reason(self) -> str:
        """All reasons as one line."""
        return "; ".join(self.reasons)


def decide(evaluation: Evaluation, settings: GateSettings | None = None, prediction_steps: int = HORIZONS) -> Decision:
    """Decide whether a candidate is promoted.

    It is worse than a reference if its mean pinball loss exceeds the reference's by more than the tolerance, or by
    anything at all that a Diebold-Mariano test finds significant. The error of its median is held against naive's in
    the same way. A measure that is not a number refuses the candidate, and so does an error of the median or a loss
    that is too small to be true.

    All of that is judged over all horizons, for all of them are served.

    A symbol's own model has to beat the panel's champion: its loss must be the lower one, over all horizons and over
    those from 1 to `prediction_steps`. A champion of its own that does not beat it over all horizons any more is
    retired when no better candidate takes its place.
    """
    settings = settings or GateSettings()
    references = [name for name in evaluation.metrics if name not in {CANDIDATE, PANEL}]
    faults = _faults(evaluation, references, settings, prediction_steps)
    if faults:
        return _rejected(evaluation, faults)
    beaten = f"{_told(evaluation, CANDIDATE, 'mqloss', PANEL)}); " if _is_judged(evaluation, PANEL) else ""
    return Decision(
        promoted=True,
        reasons=(f"{beaten}no worse than {', '.join(references)}; skill against naive {evaluation.skill:+.1%}",),
    )


def _faults(evaluation: Evaluation, references: list[str], settings: GateSettings, prediction_steps: int) -> list[str]:
    """Return all that speaks against a candidate; of one whose measures are no numbers nothing else can be said."""
    own = evaluation.metrics[CANDIDATE]
    broken = [name for name, value in own.items() if not math.isfinite(value)]
    if broken:
        return [f"{', '.join(broken)} of the candidate is not a number"]
    faults = [
        fault
        for reference in references
        for measure in (_JUDGED if reference == NAIVE else ("mqloss",))
        if (fault := _fault(evaluation, reference, measure, settings))
    ]
    faults += [
        f"{_JUDGED[measure]} ({measure}) {ratio:.3f} times {reference}'s: "
        f"below {least:g} a leak of the future is likelier than skill"
        for measure, reference, ratio, least in (
            ("rmae", NAIVE, own["rmae"], settings.plausible_rmae),
            ("mqloss", BASE, own["mqloss"] / evaluation.metrics[BASE]["mqloss"], settings.plausible_mqloss),
        )
        if ratio < least
    ]
    if not _beats_panel(evaluation, CANDIDATE):
        faults.append(_told(evaluation, CANDIDATE, "mqloss", PANEL) + ", which it has to beat)")
    elif not _beats_panel_within(evaluation, prediction_steps):
        faults.append(f"it does not beat the panel's over the first {prediction_steps} of {HORIZONS} sessions ahead")
    return faults


def _rejected(evaluation: Evaluation, faults: list[str]) -> Decision:
    if _beats_panel(evaluation, CHAMPION):
        return Decision(promoted=False, reasons=tuple(faults))
    retired = f"the champion is retired: {_told(evaluation, CHAMPION, 'mqloss', PANEL)})"
    return Decision(promoted=False, reasons=(*faults, retired), retires=True)


def _beats_panel(evaluation: Evaluation, model: str) -> bool:
    """Tell whether a model's loss is below that of the panel's champion, or there is nothing to compare."""
    if model not in evaluation.metrics or not _is_judged(evaluation, PANEL):
        return True
    return evaluation.metrics[model]["mqloss"] < evaluation.metrics[PANEL]["mqloss"]


def _beats_panel_within(evaluation: Evaluation, steps: int) -> bool:
    """Tell the same of the candidate over the horizons from 1 to `steps`."""
    if not _is_judged(evaluation, PANEL):
        return True
    return evaluation.loss(CANDIDATE, steps) < evaluation.loss(PANEL, steps)


def _is_judged(evaluation: Evaluation, reference: str) -> bool:
    """Tell whether there is a loss to compare with: a reference whose loss is not a number decides nothing."""
    return reference in evaluation.metrics and math.isfinite(evaluation.metrics[reference]["mqloss"])


def _fault(evaluation: Evaluation, reference: str, measure: str, settings: GateSettings) -> str | None:
    """Return how a candidate is worse than a reference, or None if it is not."""
    own, other = evaluation.metrics[CANDIDATE][measure], evaluation.metrics[reference][measure]
    if not math.isfinite(other):
        return None
    excess = own / other - 1
    comparison = evaluation.compare(reference)
    probability = comparison.mqloss if measure == "mqloss" else comparison.mae
    told = _told(evaluation, CANDIDATE, measure, reference)
    if excess > settings.tolerance:
        return f"{told}, more than the tolerance of {settings.tolerance:.2%})"
    if excess > 0 and probability < settings.significance:
        return f"{told}, p = {probability:.3g})"
    return None


def _told(evaluation: Evaluation, model: str, measure: str, reference: str) -> str:
    """Return how two compare; the bracket is left open for what follows from it."""
    own, other = evaluation.metrics[model][measure], evaluation.metrics[reference][measure]
    return f"{_JUDGED[measure]} ({measure}) {own:.6g} against {reference}'s {other:.6g} ({own / other - 1:+.2%}"
