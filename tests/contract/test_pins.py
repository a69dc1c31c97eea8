"""The files of pins say what pyproject.toml and requirements.txt say; `make lock` writes all of them at once."""

import importlib.metadata
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT: Final = Path(__file__).parents[2]
SERVICES: Final = ("ingestor", "trainer", "predictor")
PROJECTS: Final = (ROOT, *ROOT.glob("packages/*"), *ROOT.glob("services/*"))
NVIDIA_CLIENT: Final = "nvidia-ml-py"
"""It asks the driver how a GPU is doing and needs no CUDA; all services that use it have it."""


def pins(file: Path) -> dict[str, dict[Requirement, list[str]]]:
    """Return name, then requirement with its marker, then hashes."""
    found: dict[str, dict[Requirement, list[str]]] = {}
    hashes: list[str] = []
    for line in file.read_text(encoding="utf-8").splitlines():
        text = line.removesuffix("\\").strip()
        if text.startswith("--hash="):
            hashes.append(text)
        else:
            requirement = Requirement(text)
            hashes = found.setdefault(canonicalize_name(requirement.name), {}).setdefault(requirement, [])
    return found


def pins_of(service: str) -> dict[str, dict[Requirement, list[str]]]:
    folder = ROOT / "services" / service
    return {name: pin for file in folder.glob("requirements*.txt") for name, pin in pins(file).items()}


def pinned_here(service: str) -> set[str]:
    """Return the names that are installed on a machine like this one."""
    return {
        name
        for name, choices in pins_of(service).items()
        if any(choice.marker is None or choice.marker.evaluate() for choice in choices)
    }


def needed_here(project: Path) -> set[str]:
    """Return the names of all that a project depends on, directly or not, as the packages installed here tell it."""
    declared = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    waiting = [(Requirement(text), "") for text in declared]
    seen: set[tuple[str, str]] = set()
    while waiting:
        requirement, extra = waiting.pop()
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": extra}):
            continue
        name = canonicalize_name(requirement.name)
        for wanted in ("", *requirement.extras):
            if (name, wanted) not in seen:
                seen.add((name, wanted))
                waiting += [(dependency, wanted) for dependency in requirements_of(name)]
    return {name for name, _ in seen if name != "closecast"}


def requirements_of(name: str) -> Iterator[Requirement]:
    if name == "closecast":  # as its pyproject.toml stands now, which may be newer than what is installed
        project = tomllib.loads((ROOT / "packages/closecast/pyproject.toml").read_text(encoding="utf-8"))["project"]
        yield from map(Requirement, project["dependencies"])
        for extra, dependencies in project["optional-dependencies"].items():
            for dependency in map(Requirement, dependencies):
                yield Requirement(f"{dependency} ; extra == '{extra}'")
    else:
        yield from map(Requirement, importlib.metadata.requires(name) or ())


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_pins_all_that_it_needs_and_nothing_else(service: str) -> None:
    assert pinned_here(service) == needed_here(ROOT / "services" / service), "run `make lock`"


@pytest.mark.parametrize("service", SERVICES)
def test_the_pins_of_a_service_are_those_of_the_workspace(service: str) -> None:
    workspace = {
        f"{name}{choice.specifier}": set(hashes)
        for name, choices in pins(ROOT / "requirements.txt").items()
        for choice, hashes in choices.items()
    }
    for name, choices in pins_of(service).items():
        for choice, hashes in choices.items():
            assert workspace.get(f"{name}{choice.specifier}") == set(hashes), f"{name} is stale: run `make lock`"
            assert hashes


@pytest.mark.parametrize("folder", PROJECTS, ids=lambda folder: folder.name)
def test_what_a_project_asks_for_fits_what_is_pinned(folder: Path) -> None:
    workspace = pins(ROOT / "requirements.txt") | pins(ROOT / "requirements-build.txt")
    project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = [
        *project["project"]["dependencies"],
        *(text for extra in project["project"].get("optional-dependencies", {}).values() for text in extra),
        *(text for group in project.get("dependency-groups", {}).values() for text in group),
    ]
    for requirement in map(Requirement, wanted):
        name = canonicalize_name(requirement.name)
        if not name.startswith("closecast"):
            versions = [next(iter(choice.specifier)).version for choice in workspace[name]]
            assert all(map(requirement.specifier.contains, versions)), (
                f"{requirement} is not {versions}: run `make lock`"
            )


def test_torch_and_cuda_are_pinned_apart_from_the_rest_of_the_trainer() -> None:
    folder = ROOT / "services/trainer"
    heavy = ("torch", "triton", "cuda-", "nvidia-")
    rest, torch = pins(folder / "requirements.txt"), pins(folder / "requirements-torch.txt")
    assert {name for name in rest if name.startswith(heavy)} == {NVIDIA_CLIENT}
    assert all(name.startswith(heavy) for name in torch)
    assert not rest.keys() & torch.keys()  # they are layers of one environment


@pytest.mark.parametrize("service", ["ingestor", "predictor"])
def test_only_the_trainer_has_torch(service: str) -> None:
    assert not {name for name in pins_of(service) if name.startswith(("torch", "triton", "cuda-"))}


def test_the_tool_that_builds_is_pinned_and_fits_the_packages() -> None:
    (uv,) = pins(ROOT / "requirements-build.txt")["uv"]
    version = next(iter(uv.specifier)).version
    for folder in PROJECTS[1:]:
        (backend,) = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["build-system"]["requires"]
        assert Requirement(backend).specifier.contains(version), f"uv {version} would download {backend} for {folder}"
