"""What .dockerignore lets through to a builder, by the rules of Docker's own client."""

import shlex
import subprocess
from pathlib import Path
from typing import Final

import pytest
from docker.utils.build import exclude_paths

ROOT: Final = Path(__file__).parents[2]
NEEDED: Final = ("requirements-build.txt", "packages/closecast/pyproject.toml", "packages/closecast/src/")
NEEDED_OF_SERVICES: Final = ("pyproject.toml", "requirements.txt", "requirements-torch.txt", "src/")
STRAY: Final = (
    ".env",
    ".git/config",
    ".venv/bin/python",
    ".closecast/trainer/history.duckdb",
    "docker-compose.override.yaml",
    "packages/closecast/src/closecast/__pycache__/ports.cpython-311.pyc",
    "services/predictor/node_modules/lit-html/lit-html.js",
    "services/trainer/.env",
    "services/trainer/notes.txt",
    "services/trainer/src/closecast_trainer/__pycache__/model.cpython-311.pyc",
)
"""Files that lie about in a working copy."""


@pytest.fixture(scope="module")
def tracked() -> set[str]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True)
    return set(listed.stdout.split())


@pytest.fixture
def context(tracked: set[str], tmp_path: Path) -> set[str]:
    """The files that a builder gets of a working copy with stray files in it."""
    for name in (*tracked, *STRAY):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    patterns = [line for line in lines if line and not line.startswith("#")]
    return {name for name in exclude_paths(str(tmp_path), patterns) if (tmp_path / name).is_file()}


def test_builders_get_the_code_and_its_pins_and_nothing_else(tracked: set[str], context: set[str]) -> None:
    services = {f"services/{service}/{part}" for service in services_with_images() for part in NEEDED_OF_SERVICES}
    # Docker's client sends these two along whatever is ignored; no COPY can reach them.
    assert context - {".dockerignore", "Dockerfile"} == {
        name for name in tracked if name.startswith((*NEEDED, *services))
    }


def test_all_that_dockerfiles_copy_is_there(context: set[str]) -> None:
    for service in services_with_images():
        sources = copied(ROOT / "services" / service / "Dockerfile")
        assert f"services/{service}" in sources
        for source in sources:
            assert any(name == source or name.startswith(f"{source}/") for name in context), source


def test_the_first_stage_of_all_images_is_the_same() -> None:
    texts = [(ROOT / "services" / name / "Dockerfile").read_text(encoding="utf-8") for name in services_with_images()]
    (stage,) = {text[text.index("FROM ") : text.index("FROM environment")].split("\n\n")[0] for text in texts}
    assert stage.startswith("FROM python:3.11-slim AS environment\n")


def services_with_images() -> list[str]:
    return sorted(file.parent.name for file in ROOT.glob("services/*/Dockerfile"))


def copied(dockerfile: Path) -> list[str]:
    """Return what a Dockerfile copies from the context."""
    words = [
        shlex.split(line) for line in dockerfile.read_text(encoding="utf-8").splitlines() if line.startswith("COPY ")
    ]
    return [source for line in words if not line[1].startswith("--from=") for source in line[1:-1]]
