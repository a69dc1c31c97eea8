"""Which models speak at present: the forecaster's own account of it."""

from collections.abc import Iterable

from closecast.model_names import ModelNames
from closecast_predictor import metrics
from closecast_predictor.cache import LoadedModel
from closecast_predictor.champion import Change, Retired
from closecast_predictor.snapshot import Lineup


class Speakers:
    """The panel's model and symbols' own; the base speaks for the panel until it has a champion.

    Args:
        names: Which models there may be.

    Attributes:
        lineup: Who speaks for which symbol; replaced as a whole by `change`.
    """

    def __init__(self, names: ModelNames) -> None:
        self._names = names
        self.lineup = Lineup(LoadedModel.base(names.panel))

    @property
    def versions(self) -> dict[str, str]:
        """The version of each registered model that speaks, by name."""
        return {loaded.name: loaded.model.version for loaded in self.lineup}

    def change(self, changes: Iterable[Change], symbols: Iterable[str]) -> set[str]:
        """Let other models speak; return which of these symbols another model speaks for now."""
        panel, own = self.lineup.panel, dict(self.lineup.own)
        for change in changes:
            symbol = self._names.symbol_of(change.name)
            if symbol is None:
                panel = LoadedModel.base(change.name) if isinstance(change, Retired) else change
            elif isinstance(change, Retired):
                own.pop(symbol, None)
            else:
                own[symbol] = change
        before, self.lineup = self.lineup, Lineup(panel, own)
        for loaded in before:
            metrics.MODEL_INFO.labels(loaded.name, loaded.model.version).set(0)
            metrics.MODEL_CREATED.labels(loaded.name).set(0)
        for loaded in self.lineup:
            created_at = loaded.model.created_at
            metrics.MODEL_INFO.labels(loaded.name, loaded.model.version).set(1)
            metrics.MODEL_CREATED.labels(loaded.name).set(0 if created_at is None else created_at.timestamp())
        return {symbol for symbol in symbols if self.lineup.of(symbol) is not before.of(symbol)}
