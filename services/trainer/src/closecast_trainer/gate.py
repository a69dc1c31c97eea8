"""The promotion gate: a candidate is served only if it is worse than none of what it could replace."""

import math
from typing import Final

from pydantic import BaseModel, ConfigDict

from closecast_trainer.config import GateSettings
from closecast_trainer.evaluation import CANDIDATE, NAIVE, Evaluation

_JUDGED: Final = {"mqloss": "pinball loss", "rmae": "error of the median"}


class Decision(BaseModel):
    """What the gate decided, and why.

    Attributes:
        promoted: Whether the candidate becomes champion.
        reasons: One line for each fault, or the one that sums up why there is none.
    """

    model_config = ConfigDict(frozen=True)

    promoted: bool
    reasons: tuple[str, ...]

    @property
    def reason(self) -> str:
        """All reasons as one line."""
        return "; ".join(self.reasons)


def decide(evaluation: Evaluation, settings: GateSettings | None = None) -> Decision:
    """Decide whether a candidate is promoted.

    It is worse than a reference if its mean pinball loss exceeds the reference's by more than the tolerance, or by
    anything at all that a Diebold-Mariano test finds significant. The error of its median is held against naive's in
    the same way. A measure that is not a number refuses the candidate.
    """
    settings = settings or GateSettings()
    own = evaluation.metrics[CANDIDATE]
    broken = [name for name, value in own.items() if not math.isfinite(value)]
    if broken:
        return Decision(promoted=False, reasons=(f"{', '.join(broken)} of the candidate is not a number",))
    references = [name for name in evaluation.metrics if name != CANDIDATE]
    faults = [
        fault
        for reference in references
        for measure in (_JUDGED if reference == NAIVE else ("mqloss",))
        if (fault := _fault(evaluation, reference, measure, settings))
    ]
    if faults:
        return Decision(promoted=False, reasons=tuple(faults))
    return Decision(
        promoted=True,
        reasons=(f"worse than none of {', '.join(references)}; skill against naive {evaluation.skill:+.1%}",),
    )


def _fault(evaluation: Evaluation, reference: str, measure: str, settings: GateSettings) -> str | None:
    """Return how a candidate is worse than a reference, or None if it is not."""
    own, other = evaluation.metrics[CANDIDATE][measure], evaluation.metrics[reference][measure]
    if not math.isfinite(other):
        return None
    excess = own / other - 1
    comparison = evaluation.compare(reference)
    probability = comparison.mqloss if measure == "mqloss" else comparison.mae
    told = f"{_JUDGED[measure]} ({measure}) {own:.6g} against {reference}'s {other:.6g} ({excess:+.2%}"
    if excess > settings.tolerance:
        return f"{told}, more than the tolerance of {settings.tolerance:.2%})"
    if excess > 0 and probability < settings.significance:
        return f"{told}, p = {probability:.3g})"
    return None
