"""Histories that the edge forecasts itself: the application takes as long to pass a request on as a forecast takes."""

from typing import Final

import orjson
from starlette.datastructures import Headers, QueryParams
from starlette.types import Scope

from closecast.telemetry.logs import get_logger
from closecast_predictor import metrics
from closecast_predictor.api.batching import Batches
from closecast_predictor.api.errors import ProblemError
from closecast_predictor.api.histories import Question, has_calendar
from closecast_predictor.api.schemas.forecasts import PredictRequest
from closecast_predictor.api.serving import Serving
from closecast_predictor.api.speaking import model_for
from closecast_predictor.api.uploads.histories import read_csv
from closecast_predictor.api.uploads.route import CSV, SHORT_FILE, kind_of, with_history

_JSON: Final = frozenset({"", "application/json", "application/x-www-form-urlencoded"})
"""`curl -d` says that any body is a form unless it is told otherwise."""

_log = get_logger(__name__)


class EdgeHistories:
    """Answers `POST /predict` of a history in which nothing is unusual.

    Args:
        serving: What forecasts.
    """

    def __init__(self, serving: Serving) -> None:
        self._serving = serving
        self._batches = Batches()

    async def answer(self, scope: Scope, body: bytes) -> bytes | None:
        """Return the forecast as JSON; None if the route is to answer, which also tells what is wrong."""
        models = self._serving.models
        if models is None or len(body) > SHORT_FILE:
            return None
        try:
            request = self._read(scope, body)
            if request is None or request.history is None or not has_calendar(request.symbol):
                return None
            model = model_for(models, request.symbol, request.model_name)
            question = Question.of(request.history, request.symbol, request.horizon, self._serving.max_history)
        except (ValueError, ProblemError):
            return None
        try:
            answer = question.answer(*await self._batches.forecast(model, question.series))
        except Exception:  # noqa: BLE001 - logged; the route tries again, and answers with a problem document if it fails
            _log.exception("history not forecast at the edge")
            return None
        metrics.PREDICTIONS.labels("history").inc()
        return answer.model_dump_json().encode()

    def _read(self, scope: Scope, body: bytes) -> PredictRequest | None:
        kind = kind_of(Headers(scope=scope))
        if kind in _JSON:
            return PredictRequest.model_validate(orjson.loads(body))
        if kind == CSV:
            fields = dict(QueryParams(scope["query_string"]))
            return PredictRequest.model_validate(with_history(fields, read_csv(body, self._serving.max_history)))
        return None
