"""From a panel to a judged model version: train, export, judge the export, decide."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from closecast.forecasting.base import BaseForecaster
from closecast.forecasting.bundle import Bundle
from closecast.forecasting.card import ModelCard
from closecast.forecasting.metrics import finite
from closecast.forecasting.panel import Panel
from closecast.forecasting.spec import ModelSpec
from closecast_trainer.card import make_card, write_card
from closecast_trainer.config import Epoch, GateSettings, TrainingConfig
from closecast_trainer.evaluation import Evaluation, evaluate
from closecast_trainer.export import export, make_spec, write_spec
from closecast_trainer.gate import Decision, decide
from closecast_trainer.members import Spread
from closecast_trainer.training import TrainingResult, train


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A model version that has been judged, and the folder that holds it.

    Attributes:
        folder: model.onnx, model.safetensors, spec.json and the model card, as card.json and card.md.
        spec: What spec.json says, metrics included.
        card: What card.json says.
        result: The training.
        evaluation: Its measures beside those of the baselines and the champion.
        decision: Whether it is promoted, and why.
    """

    folder: Path
    spec: ModelSpec
    card: ModelCard
    result: TrainingResult
    evaluation: Evaluation
    decision: Decision


def make_candidate(
    panel: Panel,
    folder: Path,
    config: TrainingConfig,
    *,
    model: str,
    champion: Bundle | None = None,
    panel_champion: Bundle | None = None,
    panel_version: str | None = None,
    gate: GateSettings | None = None,
    device: str = "auto",
    on_epoch: Callable[[Epoch], None] = lambda _: None,
    on_stage: Callable[[str], None] = lambda _: None,
    spread: Spread | None = None,
) -> Candidate:
    """Train a model on a panel, write it to a new folder, and judge what was written.

    What is judged is what is shipped: the weights are not fitted again on the test slice afterwards, so every figure in
    the spec was measured with these very files.

    Args:
        panel: The histories of the universe.
        folder: Where the version is written; must not exist yet.
        config: How to train.
        model: Name of the model.
        champion: The version that is served now, if there is one.
        panel_champion: The panel's champion, if this is the model of one symbol that is to stand in for it.
        panel_version: Version of the panel's champion.
        gate: The rule of promotion.
        device: ``auto``, ``cpu`` or ``cuda``.
        on_epoch: Called after each epoch.
        on_stage: Called with ``train``, ``export`` and ``evaluate`` as each begins.
        spread: Where to teach the LSTMs; in this process by default.

    Raises:
        NotEnoughHistoryError: If the panel is too short.
        NothingToJudgeError: If no session of the test slice can be judged.
    """
    on_stage("train")
    result = train(panel, config, on_epoch=on_epoch, device=device, spread=spread)
    on_stage("export")
    spec = make_spec(result, panel, model=model)
    export(result, spec, folder)
    on_stage("evaluate")
    evaluation = evaluate(
        Bundle.load(folder),
        BaseForecaster(spec.base),
        panel,
        spec.slices.test,
        champion=champion,
        panel_champion=panel_champion,
    )
    judged = spec.model_copy(
        update={
            "metrics": finite(evaluation.metrics),
            "prediction_steps": config.prediction_steps,
            "panel_version": panel_version if panel_champion is not None else None,
            "skill": evaluation.skill,
            "skill_by_horizon": evaluation.skill_by_horizon,
        }
    )
    write_spec(judged, folder)
    decision = decide(evaluation, gate, config.prediction_steps)
    card = make_card(evaluation, judged, decision)
    write_card(card, folder)
    return Candidate(folder, judged, card, result, evaluation, decision)
