"""The HTTP application: every route, validated; known symbols are answered before it, by the edge."""

from typing import Any, Final, NoReturn
from uuid import UUID

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi_offline import FastAPIOffline

from closecast.events import TrainingRequest
from closecast_predictor.access.openapi import describe_access
from closecast_predictor.api.desk import ForecasterUnavailableError
from closecast_predictor.api.errors import handle_errors, problem_schemas
from closecast_predictor.api.headers import SecurityHeaders
from closecast_predictor.api.routes.access import access_routes
from closecast_predictor.api.routes.companies import company_routes
from closecast_predictor.api.routes.context import Context
from closecast_predictor.api.routes.forecasts import forecast_routes
from closecast_predictor.api.routes.models import model_routes
from closecast_predictor.api.routes.operations import operation_routes
from closecast_predictor.api.routes.pages import page_routes
from closecast_predictor.api.routes.quotes import quote_routes
from closecast_predictor.api.routes.stats import stats_routes
from closecast_predictor.api.routes.timeseries import timeseries_routes
from closecast_predictor.api.routes.trainings import training_routes
from closecast_predictor.api.serving import Serving

_DESCRIPTION: Final = """
Forecasts of the daily close of listed stocks, up to 10 sessions ahead, with intervals.
Every answer says which model spoke and how it fares against "the close stays where it is" (`skill`).
Errors are problem documents (RFC 9457) that name the field at fault.
"""


def build_app(context: Context) -> FastAPI:
    """Return the application over what its routes answer from."""
    app = FastAPIOffline(
        title="Closecast",
        version="1",
        summary="Forecasts of daily closes.",
        description=_DESCRIPTION,
        redoc_url=None,
        strict_content_type=False,  # JSON is read as JSON also from those who do not say that it is
    )
    handle_errors(app)
    for routes in (
        *(forecast_routes, company_routes, quote_routes, stats_routes, model_routes, training_routes),
        *(timeseries_routes, operation_routes, access_routes, page_routes),
    ):
        app.include_router(routes(context))
    app.add_middleware(SecurityHeaders)

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            guard = context.serving.guard
            auth = guard is not None and guard.authenticator is not None
            app.openapi_schema = describe_access(_document_of(app), auth=auth, limits=guard is not None)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]
    return app


def openapi_document() -> dict[str, Any]:
    """Return the OpenAPI document as with access control on; it needs neither Ray nor Kafka."""
    app = build_app(Context(Serving(), _NoDesk()))
    return describe_access(_document_of(app), auth=True, limits=True)


def _document_of(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(
        title=app.title,
        version=app.version,
        summary=app.summary,
        description=app.description,
        routes=app.routes,
    )
    document["components"]["schemas"] |= problem_schemas()
    return document


class _NoDesk:
    """Stands for the forecaster where only the document is wanted."""

    async def request_training(self, request: TrainingRequest) -> NoReturn:
        raise ForecasterUnavailableError(f"no forecaster takes request {request.id}")

    async def training(self, request_id: UUID) -> NoReturn:
        raise ForecasterUnavailableError(f"no forecaster knows request {request_id}")

    async def request_backfill(self, symbol: str) -> NoReturn:
        raise ForecasterUnavailableError(f"no forecaster has {symbol} fetched")

    async def backfill(self, symbol: str) -> NoReturn:
        raise ForecasterUnavailableError(f"no forecaster knows of {symbol}")

    async def latest_trainings(self, limit: int) -> NoReturn:
        raise ForecasterUnavailableError(f"no forecaster knows {limit} requests")

    async def versions(self, limit: int) -> NoReturn:
        raise ForecasterUnavailableError(f"no forecaster knows {limit} versions")

    async def version(self, model: str, version: str) -> NoReturn:
        raise ForecasterUnavailableError(f"no forecaster knows version {version} of {model}")

    async def promote(self, model: str, version: str) -> NoReturn:
        raise ForecasterUnavailableError(f"no forecaster promotes version {version} of {model}")

    async def window(self, symbol: str, sessions: int) -> NoReturn:
        raise ForecasterUnavailableError(f"no forecaster knows {sessions} sessions of {symbol}")

    async def stats(self) -> NoReturn:
        raise ForecasterUnavailableError("no forecaster")

    async def stats_of(self, symbol: str, *, late: bool) -> NoReturn:
        raise ForecasterUnavailableError(f"no forecaster knows {'all' if late else 'the'} forecasts of {symbol}")

    async def status(self) -> NoReturn:
        raise ForecasterUnavailableError("no forecaster")
