"""Which symbols are forecast, and the quotes that they are forecast from."""

from typing import Annotated, Final

from fastapi import APIRouter, Path, Query, Response

from closecast_predictor.api.routes.context import JSON, Context, problems
from closecast_predictor.api.schemas.forecasts import RequestedSymbol
from closecast_predictor.api.schemas.quotes import QuoteAnswer, QuotesAnswer, SymbolsAnswer
from closecast_predictor.inference import round_prices
from closecast_predictor.windows import Window

_A_YEAR: Final = 250
_MOST: Final = 5000


def quote_routes(context: Context) -> APIRouter:
    """Return the routes of symbols and quotes."""
    router = APIRouter(tags=["Quotes"])

    @router.get(
        "/symbols",
        summary="All symbols that are forecast",
        response_model=SymbolsAnswer,
        responses=problems(503),
    )
    async def symbols() -> Response:
        """Return every symbol with its latest close and how far the next may lie from it."""
        await context.require_snapshot()
        return Response(context.serving.listed, media_type=JSON)

    @router.get("/quotes/{symbol:path}", summary="The latest quotes of a symbol", responses=problems(404, 422, 503))
    async def quotes(
        symbol: Annotated[RequestedSymbol, Path()],
        sessions: Annotated[int, Query(ge=1, le=_MOST, description="Latest sessions, as far as they are kept.")] = (
            _A_YEAR
        ),
    ) -> QuotesAnswer:
        """Return the sessions that forecasts are made from, adjusted for splits."""
        return _answer(await context.window(symbol, sessions))

    return router


def _answer(window: Window) -> QuotesAnswer:
    quotes = []
    for session, row in window.adjusted():
        open_, high, low, close = round_prices(row[:-1]).tolist()
        quotes.append(QuoteAnswer(session=session, open=open_, high=high, low=low, close=close, volume=round(row[-1])))
    return QuotesAnswer(symbol=window.symbol, exchange=window.exchange, currency=window.currency, quotes=quotes)
