"""The pages in a real browser, over the real application on a port of its own."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import uvicorn
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, sync_playwright
from services.predictor.tests import servers
from services.predictor.tests.api.conftest import LocalDesk
from services.predictor.tests.support import book_of, serving_of

from closecast_predictor.api.app import build_app
from closecast_predictor.api.edge import Edge
from closecast_predictor.api.routes.context import Context
from closecast_predictor.api.serving import Serving
from closecast_predictor.snapshot import Lineup, Model, Snapshot
from tests.support.requirements import skip_or_fail

SYMBOLS = ("AAPL", "PETR4.SA", "VALE3.SA")
DESKTOP: ViewportSize = {"width": 1280, "height": 900}
PHONE: ViewportSize = {"width": 360, "height": 740}
_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_LOADED_MS = 15_000


@dataclass(frozen=True)
class Site:
    """The application as a browser finds it.

    Attributes:
        address: Where it listens, with a slash at the end.
        desk: The forecaster that it asks.
        serving: What it answers from.
    """

    address: str
    desk: LocalDesk
    serving: Serving

    def swap(self, *symbols: str, count: int = 80) -> None:
        """Answer with forecasts of these symbols from now on, as when their quotes came."""
        models = Lineup(Model.base("closecast-panel"))
        book = book_of(*symbols, count=count)
        book.forecast(models, book.symbols)
        self.desk.book = book
        self.serving.swap(Snapshot("test-2", models.panel.name, models.panel.version, book.answers), models)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Return Chromium; one for all tests of the pages, since its start takes a second."""
    path = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if path is None:
        skip_or_fail("needs Chromium")
    # Chromium's sandbox does not start for root, as whom containers run.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=arguments)
        yield browser
        browser.close()


@pytest.fixture
def desk() -> LocalDesk:
    return LocalDesk(book=book_of(*SYMBOLS))


@pytest.fixture
def serving() -> Serving:
    return serving_of(*SYMBOLS)


@pytest.fixture
def site(serving: Serving, desk: LocalDesk) -> Iterator[Site]:
    """Serve the application as a replica does, until the test ends."""
    app = Edge(build_app(Context(serving, desk)), serving)
    with servers.serving(uvicorn.Config(app, log_level="warning", lifespan="off")) as (host, port):
        yield Site(f"http://{host}:{port}/", desk, serving)


@pytest.fixture
def context(browser: Browser, site: Site) -> Iterator[BrowserContext]:
    """Return a browser's profile of its own, in English and light."""
    context = browser.new_context(base_url=site.address, viewport=DESKTOP, locale="en-US", color_scheme="light")
    context.set_default_timeout(_LOADED_MS)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """Return a tab; the test fails if a script of the pages fails, or the browser refuses something of them."""
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    yield page
    # A status that the pages show is no fault of theirs, though the browser notes it.
    assert [fault for fault in faults if "Failed to load resource" not in fault] == []
