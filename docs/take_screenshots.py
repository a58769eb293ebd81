"""The pictures of the inbox in `docs/screenshots`, taken from the running thing: `make screenshots`.

The sample claims go through validator and notifier as any claim does; somebody signs in by the link in the mail.
"""

import asyncio
import os
import re
import shutil
import subprocess
import sys
import tempfile
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

from playwright.async_api import Page, async_playwright

from palpate_cli.stack import Stack

HERE = Path(__file__).parent
PICTURES = HERE / "screenshots"
SIZES: dict[str, Any] = {"desk": {"width": 1180, "height": 860}, "phone": {"width": 360, "height": 760}}


async def take(chromium: str) -> None:
    """Take them all."""
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        async with Stack(Path(folder), lambda _name, _line: None, inbox=True) as stack:
            await _send_samples(stack)
            async with async_playwright() as playwright:
                browser = await playwright.chromium.launch(
                    executable_path=chromium, args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
                )
                context = await browser.new_context(viewport=SIZES["desk"])
                page = await context.new_page()
                await _pictures(page, stack)
                await browser.close()


async def _send_samples(stack: Stack) -> None:
    samples = [str(HERE.parent / "samples" / kind) for kind in ("json", "837p", "fhir")]
    command = [sys.executable, "-m", "palpate_cli", "send", *samples, "--redis", stack.redis_url]
    # Some of them fail, which is what they are for, and one cannot be read: its exit code says so.
    await asyncio.to_thread(subprocess.run, command, check=False, capture_output=True)
    for _ in range(300):
        if any(stack.mail.glob("*.eml")):
            return
        await asyncio.sleep(0.1)
    raise SystemExit("no claim was told to anybody")


async def _pictures(page: Page, stack: Stack) -> None:
    await page.goto(f"{stack.inbox_url}/sign-in")
    await _picture(page, "sign-in")
    await _enter(page, stack, "ada@harbor.example")
    await _picture(page, "my-cases")
    await page.locator(".cases a").first.click()
    await _picture(page, "case")
    await page.emulate_media(color_scheme="dark")
    await _picture(page, "case-dark")
    await page.emulate_media(color_scheme="light")
    await page.get_by_role("button", name="Sign out").click()
    await _enter(page, stack, "pat@harbor.example")
    for name in ("billing", "manager"):
        await page.goto(f"{stack.inbox_url}/{name}")
        await _picture(page, name)


async def _picture(page: Page, name: str) -> None:
    for size, viewport in SIZES.items():
        await page.set_viewport_size(viewport)
        await page.screenshot(path=PICTURES / f"{name}-{size}.png", full_page=size == "desk")
    await page.set_viewport_size(SIZES["desk"])


async def _enter(page: Page, stack: Stack, address: str) -> None:
    await page.goto(f"{stack.inbox_url}/sign-in")
    await page.get_by_label("Your e-mail address").fill(address)
    await page.get_by_role("button", name="Mail me a link").click()
    for _ in range(100):
        for path in sorted(stack.mail.glob("*.eml"), reverse=True):
            mail = message_from_bytes(path.read_bytes(), policy=default)
            text = mail.get_body(("plain",)).get_content()  # type: ignore[attr-defined]
            found = re.search(r"http\S+/sign-in/\S+", text)
            if mail["To"] == address and found:
                await page.goto(found[0])
                await page.get_by_role("button", name="Sign in").click()
                await page.get_by_role("heading", name="My cases").wait_for()
                return
        await asyncio.sleep(0.1)
    raise SystemExit(f"no link was mailed to {address}")


if __name__ == "__main__":
    found = os.environ.get("PALPATE_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        raise SystemExit("there is no Chromium; `make browser` installs one")
    asyncio.run(take(found))
