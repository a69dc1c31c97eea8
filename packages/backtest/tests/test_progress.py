from datetime import date
from io import StringIO

from rich.console import Console
from rich.progress import Progress

from closecast_backtest.progress import Teller
from closecast_trainer.config import Epoch


def told(*, terminal: bool) -> str:
    """Return what is written of a fold of 20 epochs and two peers."""
    console = Console(file=StringIO(), force_terminal=terminal, width=100)
    with Progress(console=console, disable=not terminal) as bars:
        teller = Teller(bars)
        teller.expect(folds=3, epochs=20)
        teller.begins(2, date(2024, 1, 2))
        teller.stage("train")
        for number in range(21):
            teller.epoch(Epoch(number, 0.2, 0.19, is_best=True, seconds=1))
        bars.refresh()
        teller.decided("promoted: [no] markup")
        for _ in teller.over("peers", ["ewma", "base"]):
            bars.refresh()
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def test_a_terminal_has_bars_and_what_has_been_done_stays() -> None:
    text = told(terminal=True)

    assert "fold 2 of 3: training on what lies before 2024-01-02" in text
    assert "fold 2 of 3: train" in text
    assert "100%" in text
    assert "peers" in text
    assert "promoted: [no] markup" in text
    assert "epoch 10" not in text


def test_elsewhere_lines_tell_of_every_tenth_epoch() -> None:
    assert told(terminal=False).splitlines() == [
        "fold 2 of 3: training on what lies before 2024-01-02",
        "fold 2 of 3: epoch 0, validation loss 0.19000",
        "fold 2 of 3: epoch 10, validation loss 0.19000",
        "fold 2 of 3: epoch 20, validation loss 0.19000",
        "fold 2 of 3: promoted: [no] markup",
    ]
