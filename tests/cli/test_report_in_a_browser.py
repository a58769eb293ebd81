"""The report's page in a real browser: axe finds nothing, 320 px are enough, dark is dark, and no request leaves."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from axe_core_python.async_playwright import Axe
from playwright.async_api import Page
from typer.testing import CliRunner

from palpate_cli.main import app
from tests.inbox.browsers import a_browser, chromium

pytestmark = pytest.mark.skipif(chromium() is None, reason="no Chromium; `make browser` installs it")

SAMPLES = Path(__file__).parents[2] / "samples"
GIVEN = [str(SAMPLES / each) for each in ("837p", "json/three-faults.json", "json/unreadable.json")]
DESK, NARROW = {"width": 1180, "height": 860}, {"width": 320, "height": 640}


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page with all that there can be: passes, failures, warnings, open questions, and what cannot be read."""
    folder = tmp_path_factory.mktemp("report")
    CliRunner().invoke(
        app, ["check", str(SAMPLES), "--report", str(folder / "report.html")], env={"PALPATE_DATA": str(folder)}
    )
    return folder / "report.html"


@asynccontextmanager
async def opened(file: Path, **more: Any) -> AsyncIterator[tuple[Page, list[str]]]:
    """The page, and what the browser asked for or complained of."""
    async with a_browser() as browser:
        page = await browser.new_page(**more)
        seen: list[str] = []
        page.on("request", lambda request: seen.append(request.url))
        page.on("console", lambda message: seen.append(message.text))
        await page.goto(file.as_uri())
        yield page, seen


async def test_axe_finds_nothing_and_nothing_is_too_wide(page_file: Path) -> None:
    async with opened(page_file, viewport=NARROW, color_scheme="light") as (page, _):
        assert await page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]
        await _axe_finds_nothing(page, {})
        # What is dark differs in its colours alone.
        await page.emulate_media(color_scheme="dark")
        await _axe_finds_nothing(page, {"runOnly": ["color-contrast"]})
        await page.set_viewport_size(DESK)  # type: ignore[arg-type]
        assert await page.evaluate("document.documentElement.scrollWidth") <= DESK["width"]


async def _axe_finds_nothing(page: Page, options: dict[str, Any]) -> None:
    found = await Axe().run(page, options=options)
    assert found["passes"]
    assert [(each["id"], each["nodes"][0]["html"]) for each in found["violations"]] == []


async def test_it_needs_no_script_and_no_request_and_its_policy_lets_its_style_in(page_file: Path) -> None:
    async with opened(page_file, java_script_enabled=False, viewport=DESK) as (page, seen):
        assert seen == [page_file.as_uri()]
        assert await page.get_by_role("heading", name="Claims to correct").is_visible()
        failing = await page.locator("svg.whole .fails").bounding_box()
        picture = await page.screenshot()
    assert failing is not None
    assert failing["width"] > 50
    assert len(picture) > 20_000


async def test_dark_is_dark_and_it_prints_on_white(page_file: Path) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    async with opened(page_file, color_scheme="dark") as (page, _):
        dark = await page.evaluate(ground)
        printed = await page.pdf(format="Letter")
        await page.emulate_media(media="print")
        paper = await page.evaluate(ground)
    assert (dark, paper) == ("rgb(18, 23, 28)", "rgb(255, 255, 255)")
    assert printed.count(b"/Type /Page\n") >= 2
