"""The search: asks the study for trials, has them judged fold by fold, and prunes what does not look good."""

from collections.abc import Callable
from dataclasses import dataclass, field

from optuna.trial import Trial, TrialState

from closecast_trainer.config import TrainingConfig
from closecast_tuning.objective import Judgement
from closecast_tuning.pools import Pool
from closecast_tuning.study import Study
from closecast_tuning.trials import Finished


@dataclass(slots=True)
class _Running:
    trial: Trial
    config: TrainingConfig
    losses: list[float] = field(default_factory=list)
    seconds: float = 0.0


def search(
    study: Study, pool: Pool, *, trials: int, folds: int, on_finish: Callable[[Finished], object] = lambda _: None
) -> None:
    """Go on until so many trials of the study are finished.

    Everything that Optuna is told comes from here, wherever trials run: no other process opens the study.

    Args:
        study: The study.
        pool: Where trials run.
        trials: Trials to finish in all, those of earlier processes included.
        folds: Folds of each.
        on_finish: Told of each trial that is finished.
    """
    running: dict[int, _Running] = {}
    done = len(study.finished())
    while done < trials or running:
        while len(running) < pool.slots and done + len(running) < trials:
            trial, config = study.ask()
            running[trial.number] = _Running(trial, config)
            pool.submit(trial.number, 0, config)
        number, judgement = pool.result()
        one = running[number]
        state = _weigh(one, judgement, folds)
        if state is TrialState.RUNNING:
            pool.submit(number, len(one.losses), one.config)
            continue
        del running[number]
        done += 1
        on_finish(study.tell(one.trial, state, losses=one.losses, seconds=one.seconds, error=judgement.error))


def _weigh(one: _Running, judgement: Judgement, folds: int) -> TrialState:
    """Take a fold's judgement into account, and return what becomes of the trial."""
    one.seconds += judgement.seconds
    if judgement.error:
        return TrialState.FAIL
    one.losses.append(judgement.loss)
    one.trial.report(sum(one.losses) / len(one.losses), step=len(one.losses))
    if len(one.losses) == folds:
        return TrialState.COMPLETE
    return TrialState.PRUNED if one.trial.should_prune() else TrialState.RUNNING
