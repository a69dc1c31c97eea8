"""The pages in a browser: static files that the package brings, from this address alone."""

from pathlib import Path
from typing import Final

from fastapi import APIRouter, Request, Response
from starlette.staticfiles import StaticFiles

from closecast_predictor.api.routes.context import Context

PAGES: Final = Path(__file__).parents[2] / "pages"

_METHODS: Final = ["GET", "HEAD"]
_REVALIDATED: Final = "no-cache"
"""Kept by browsers, which ask by ETag whether it still holds."""


def page_routes(_context: Context) -> APIRouter:
    """Return the routes of the pages."""
    router = APIRouter(include_in_schema=False)
    pages, assets = StaticFiles(directory=PAGES), StaticFiles(directory=PAGES / "assets")

    async def file(folder: StaticFiles, path: str, request: Request) -> Response:
        response = await folder.get_response(path, request.scope)
        response.headers["Cache-Control"] = _REVALIDATED
        return response

    @router.api_route("/", methods=_METHODS)
    async def index(request: Request) -> Response:
        """Return the page; its scripts draw all views."""
        return await file(pages, "index.html", request)

    @router.api_route("/assets/{path:path}", methods=_METHODS)
    async def asset(path: str, request: Request) -> Response:
        """Return a file that the page asks for."""
        return await file(assets, path, request)

    return router
