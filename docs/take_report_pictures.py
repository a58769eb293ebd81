"""The pictures of `palpate check --report` in `docs/screenshots`, of the sample claims: `python -m docs.take_report_pictures`."""

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.async_api import async_playwright

HERE = Path(__file__).parent
SIZES = {"desk": {"width": 1180, "height": 860}, "phone": {"width": 360, "height": 760}}


async def take(chromium: str, page_file: Path) -> None:
    """Take them all."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        for name, size in SIZES.items():
            page = await browser.new_page(viewport=size)
            await page.goto(page_file.as_uri())
            await page.screenshot(path=HERE / "screenshots" / f"report-{name}.png")
        await browser.close()


if __name__ == "__main__":
    found = os.environ.get("PALPATE_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        raise SystemExit("no Chromium; `make browser` installs it")
    with tempfile.TemporaryDirectory() as folder:
        written = Path(folder) / "report.html"
        command = [sys.executable, "-m", "palpate_cli", "check", "samples", "--report", str(written)]
        subprocess.run(command, cwd=HERE.parent, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        asyncio.run(take(found, written))
