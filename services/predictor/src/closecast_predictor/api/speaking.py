"""Which model a request is answered by."""

from http import HTTPStatus

from closecast_predictor.api.errors import ProblemError
from closecast_predictor.snapshot import Lineup, Model


def model_for(models: Lineup[Model], symbol: str | None, name: str | None) -> Model:
    """Return the model that speaks for a symbol, or that of a given name.

    Args:
        models: Those that speak.
        symbol: None for a history of no known symbol.
        name: Of the panel's model or of the symbol's own; None for whichever speaks.

    Raises:
        ProblemError: If no model of that name speaks for the symbol.
    """
    speaking = models.of(symbol)
    if name is None or name == speaking.name:
        return speaking
    if name == models.panel.name:
        return models.panel
    whom = "a history without a symbol" if symbol is None else symbol
    detail = f"no model {name} speaks for {whom}; these do: {', '.join(sorted({speaking.name, models.panel.name}))}"
    raise ProblemError(HTTPStatus.NOT_FOUND, detail, field="model_name")
