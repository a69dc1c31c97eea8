import io

from rich.console import Console

from closecast_local.progress import progress_board


def test_without_a_terminal_a_few_lines_tell_how_far_it_is() -> None:
    console = Console(file=io.StringIO(), width=100)
    with progress_board(console) as board:
        bar = board.add("quotes")
        bar.update(0, None, "reading")
        for done in range(101):
            bar.update(done, 100, f"{done} of 100")
        bar.finish("all published")

    assert text_of(console).splitlines() == [
        "quotes     25 of 100",
        "quotes     50 of 100",
        "quotes     75 of 100",
        "quotes     all published",
    ]


def test_on_a_terminal_bars_show_name_note_and_end() -> None:
    console = Console(file=io.StringIO(), width=100, force_terminal=True)
    with progress_board(console) as board:
        bar = board.add("training")
        bar.update(3, 10, "epoch 3 of 10")
        bar.finish("promoted")

    assert "training" in text_of(console)
    assert "promoted" in text_of(console)


def text_of(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()
