import os
import subprocess
import sys
from pathlib import Path

import pytest

from closecast_local.state import StateFolder, StateInUseError

HOLDS_THE_LOCK = """
import sys, time
from pathlib import Path
from closecast_local.state import StateFolder
with StateFolder(Path(sys.argv[1])).locked():
    print("locked", flush=True)
    time.sleep(600)
"""


def test_a_second_demo_is_refused_and_told_who_holds_the_folder(tmp_path: Path) -> None:
    with (
        StateFolder(tmp_path).locked(),
        pytest.raises(StateInUseError, match=rf"process {os.getpid()}\); stop it with `closecast stop`"),
        StateFolder(tmp_path).locked(),
    ):
        pytest.fail("entered")


def test_the_folder_is_free_again_after_the_block(tmp_path: Path) -> None:
    for _ in range(2):
        with StateFolder(tmp_path).locked():
            assert (tmp_path / "lock").read_text() == str(os.getpid())


def test_stop_ends_the_owner_and_tells_which_it_was(tmp_path: Path) -> None:
    owner = subprocess.Popen([sys.executable, "-c", HOLDS_THE_LOCK, str(tmp_path)], stdout=subprocess.PIPE)
    assert owner.stdout is not None
    assert owner.stdout.readline() == b"locked\n"

    assert StateFolder(tmp_path).stop_owner() == owner.pid
    assert owner.wait(30) != 0
    owner.stdout.close()


def test_stop_without_a_demo_does_nothing(tmp_path: Path) -> None:
    assert StateFolder(tmp_path / "never").stop_owner() is None
    with StateFolder(tmp_path).locked():
        pass
    assert StateFolder(tmp_path).stop_owner() is None


def test_each_universe_has_state_of_its_own(tmp_path: Path) -> None:
    assert StateFolder(tmp_path, "a").of("broker") != StateFolder(tmp_path, "b").of("broker")
    assert StateFolder(tmp_path, "a").of("broker").is_dir()


def test_scratch_is_emptied_at_the_start_and_removed_at_the_end(tmp_path: Path) -> None:
    with StateFolder(tmp_path).scratch() as scratch:
        (scratch / "left").touch()
        with StateFolder(tmp_path).scratch() as again:
            assert again == scratch
            assert not list(again.iterdir())
    assert not scratch.exists()
