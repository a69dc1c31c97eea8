"""What all routes share: the state they answer from, the forecaster, the bounds, and how a failure is told."""

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

from closecast.mlflow_settings import DEFAULT_MODEL
from closecast_predictor.api.desk import Desk
from closecast_predictor.api.errors import PROBLEM_SCHEMA, PROBLEM_TYPE, RETRY_SOON, ProblemError
from closecast_predictor.api.serving import Serving
from closecast_predictor.companies import DEFAULT_COMPANIES, Companies
from closecast_predictor.snapshot import Lineup, Model
from closecast_predictor.windows import DEFAULT_SESSIONS, Window

JSON: Final = "application/json"
_PROBLEMS: Final[dict[int, str]] = {
    400: "The body cannot be taken apart.",
    401: "The name or the password is wrong.",
    404: "There is no such symbol, company, training request, version, or nobody who can log in.",
    409: "The version cannot be served.",
    413: "The body is too large.",
    422: "A field is missing, unknown or out of bounds.",
    429: "Too many tries; `Retry-After` tells when to go on.",
    503: "Not ready yet, or the forecaster cannot be reached; try again.",
}


@dataclass(frozen=True, slots=True)
class Context:
    """What routes answer from.

    Attributes:
        serving: The forecasts of this replica.
        desk: The forecaster.
        sessions: Sessions of each symbol that the forecaster keeps.
        model: Name of the registered model of the whole panel.
        fetch: Whether every symbol without quotes is fetched, or only where a request says so.
        companies: The companies that are known by name.
    """

    serving: Serving
    desk: Desk
    model: str = DEFAULT_MODEL
    sessions: int = DEFAULT_SESSIONS
    fetch: bool = False
    companies: Companies = field(default_factory=lambda: Companies(DEFAULT_COMPANIES))

    async def require_snapshot(self) -> Lineup[Model]:
        """Return the models that speak.

        Raises:
            ProblemError: If there is none yet; it tells what is missing.
        """
        if self.serving.models is not None:
            return self.serving.models
        status = await self.desk.status()
        detail = f"not ready, the forecaster is still {status.phase} ({status.symbols} symbols so far)"
        raise ProblemError(HTTPStatus.SERVICE_UNAVAILABLE, detail, headers=RETRY_SOON)

    async def window(self, symbol: str, sessions: int) -> Window:
        """Return the latest sessions of a symbol, at most as many as are asked for.

        Raises:
            ProblemError: If there is no quote of it, or the forecaster cannot be reached.
        """
        window = await self.desk.window(symbol, sessions)
        if window is None:
            raise ProblemError(HTTPStatus.NOT_FOUND, f"there is no quote of {symbol}", field="symbol")
        return window


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return what OpenAPI shows for these statuses; what may be too large may also be no text at all, which is 400."""
    return {
        status: {
            "description": _PROBLEMS[status],
            "content": {PROBLEM_TYPE: {"schema": PROBLEM_SCHEMA}},
        }
        for status in (*([400] if 413 in statuses else []), *statuses)  # noqa: PLR2004
    }
