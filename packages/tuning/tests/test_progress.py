from io import StringIO

from rich.console import Console
from rich.progress import Progress

from closecast_trainer.config import Epoch
from closecast_tuning.progress import SearchTeller


def told(*, terminal: bool) -> str:
    """Return what is written of a training of 20 epochs."""
    console = Console(file=StringIO(), force_terminal=terminal, width=100)
    with Progress(console=console, disable=not terminal) as bars:
        teller = SearchTeller(bars)
        teller.expect(folds=4, epochs=20)
        teller.training(7, 1)
        for number in range(21):
            teller.epoch(Epoch(number, 0.2, 0.19, is_best=True, seconds=1))
        bars.refresh()
        teller.say("trial 7: complete")
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def test_a_terminal_has_a_bar_of_the_training_under_way() -> None:
    text = told(terminal=True)

    assert "trial 7, fold 2 of 4" in text
    assert "100%" in text
    assert "trial 7: complete" in text


def test_elsewhere_only_trials_make_lines() -> None:
    assert told(terminal=False) == "trial 7: complete\n"
