"""Whether the predictor lives and is ready, and its metrics."""

import asyncio
from typing import Final

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST

from closecast_predictor import metrics
from closecast_predictor.api.routes.context import Context, problems
from closecast_predictor.api.schemas.operations import HealthAnswer, ReadyAnswer

_METRICS: Final = 'http_requests_total{method="POST",status="200"} 18102.0\n'


def operation_routes(context: Context) -> APIRouter:
    """Return the routes that operators and their tools ask."""
    router = APIRouter(tags=["Operations"])

    @router.get("/livez", summary="Whether the process lives", operation_id="livez")
    @router.get("/health", summary="Whether the process lives", operation_id="health")
    async def health() -> HealthAnswer:
        """Answer as long as the process lives."""
        return HealthAnswer()

    @router.get("/readyz", summary="Whether forecasts can be answered", responses=problems(503), operation_id="readyz")
    @router.get("/ready", summary="Whether forecasts can be answered", responses=problems(503), operation_id="ready")
    async def ready() -> ReadyAnswer:
        """Answer 503, and what is missing, until the first forecasts are there."""
        await context.require_snapshot()
        snapshot = context.serving.snapshot
        assert snapshot is not None  # noqa: S101 - required above
        return ReadyAnswer(symbols=len(snapshot.answers), model=snapshot.model, version=snapshot.version)

    @router.get(
        "/metrics",
        summary="Metrics in Prometheus' text format",
        response_class=Response,
        responses={200: {"content": {"text/plain": {"example": _METRICS}}}},
    )
    async def prometheus() -> Response:
        """Return the metrics of all replicas of this machine."""
        return Response(await asyncio.to_thread(metrics.exposition), headers={"Content-Type": CONTENT_TYPE_LATEST})

    return router
