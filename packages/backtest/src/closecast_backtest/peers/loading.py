"""Makes the peers that are asked for; only here their libraries are loaded."""

from closecast_backtest.peers.peer import Peer
from closecast_backtest.peers.walks import Base, Ewma


def load_peer(name: str, *, seed: int = 0, device: str = "auto") -> Peer:
    """Return a peer by its name in `closecast_backtest.peers.PEERS`.

    Args:
        name: Of the peer.
        seed: Seed of all random numbers.
        device: ``auto``, ``cpu`` or ``cuda``, for those that can use a GPU.

    Raises:
        ValueError: If there is no such peer.
    """
    match name:
        case "ewma":
            return Ewma()
        case "base":
            return Base()
        case "garch":
            from closecast_backtest.peers.garch import Garch

            return Garch()
        case "level":
            from closecast_backtest.peers.level import Level

            return Level(seed=seed)
        case "lstm" | "nhits":
            from closecast_backtest.peers.neural import Neural

            return Neural("LSTM" if name == "lstm" else "NHITS", seed=seed, device=device)
        case _:
            raise ValueError(f"{name}: no such peer")
