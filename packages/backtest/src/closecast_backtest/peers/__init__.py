"""What Closecast's forecasts are measured beside; each peer is a module that is loaded only where it is asked for."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True)
class PeerEntry:
    """A peer as people know it.

    Attributes:
        title: Its name in tables.
        packages: What it needs of the extra ``peers``.
    """

    title: str
    packages: tuple[str, ...] = ()


PEERS: Final[Mapping[str, PeerEntry]] = MappingProxyType(
    {
        "ewma": PeerEntry("naive + EWMA, normal"),
        "base": PeerEntry("naive + EWMA, empirical shape"),
        "garch": PeerEntry("GJR-GARCH-t", ("arch",)),
        "lstm": PeerEntry("neuralforecast LSTM, 300 steps", ("neuralforecast",)),
        "nhits": PeerEntry("neuralforecast NHITS, 300 steps", ("neuralforecast",)),
        "level": PeerEntry("MinMax level LSTM per symbol"),
    }
)


def missing_packages(names: Iterable[str]) -> tuple[str, ...]:
    """Return the packages that peers need and that are not installed here."""
    needed = dict.fromkeys(package for name in names for package in PEERS[name].packages)
    return tuple(package for package in needed if find_spec(package) is None)
