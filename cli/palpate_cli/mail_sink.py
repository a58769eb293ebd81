"""A mail server that keeps everything it is given, so that a newcomer sees the mails.  It delivers nothing."""

import asyncio
import contextlib
import signal
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import structlog
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

log = structlog.stdlib.get_logger()


class Keep:
    """Writes each message into a folder, one `.eml` file each, in the order of arrival."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._count = len(list(folder.glob("*.eml")))

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        self._count += 1
        content = envelope.content or b""
        raw = content.encode() if isinstance(content, str) else content
        path = self._folder / f"{self._count:05d}.eml"
        # Written aside and renamed, so that whoever watches the folder never reads half a message.
        aside = path.with_suffix(".part")
        aside.write_bytes(raw)
        aside.rename(path)
        log.info("mail_received", path=path.name, message_id=message_from_bytes(raw, policy=default)["Message-ID"])
        return "250 kept"


def run(folder: Path, port: int) -> None:
    """Serve on loopback until SIGTERM."""
    asyncio.run(_serve(folder, port))


async def _serve(folder: Path, port: int) -> None:
    controller = Controller(Keep(folder), hostname="127.0.0.1", port=port)
    controller.start()
    log.info("mail_sink_ready", host="127.0.0.1", port=controller.port, path=str(folder))
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, stop.set)
    await stop.wait()
    controller.stop()
