"""An SMTP server that misbehaves when told to, and keeps what it takes."""

import asyncio
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from email import message_from_bytes
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from palpate_runtime.embedded import free_port


@dataclass
class Mails:
    """What arrived, and how the server behaves."""

    port: int = field(default_factory=free_port)
    raw: list[bytes] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    """Given first, one a message: `451 ...`, `550 ...`, `drop` (taken, and cut before the answer)."""
    wait_s: float = 0.0
    """How long every message takes."""
    controller: Controller | None = None
    open: set[asyncio.BaseTransport] = field(default_factory=set)

    def start(self) -> "Mails":
        # The controller begins only when the last one has let go of the port.
        deadline = time.monotonic() + 10
        while True:
            self.controller = _Controller(self, hostname="127.0.0.1", port=self.port)
            try:
                self.controller.start()
            except OSError:
                assert time.monotonic() < deadline
                time.sleep(0.1)
            else:
                return self

    def stop(self) -> None:
        if self.controller is None:
            return
        # Whoever was killed in the middle of a conversation will not hang up.
        done = threading.Event()
        self.controller.loop.call_soon_threadsafe(self._hang_up, done)
        done.wait(5)
        time.sleep(0.05)
        self.controller.stop()
        self.controller = None

    def _hang_up(self, done: threading.Event) -> None:
        for transport in list(self.open):
            if isinstance(transport, asyncio.Transport):
                transport.abort()
        done.set()

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.wait_s:
            await asyncio.sleep(self.wait_s)
        answer = self.answers.pop(0) if self.answers else "250 kept"
        if answer.startswith(("250", "drop")):
            content = envelope.content or b""
            self.raw.append(content.encode() if isinstance(content, str) else content)
        if answer.startswith("drop"):
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
            return "421 gone"
        return answer

    # Methods, not properties: for every connection aiosmtpd looks at everything that its handler has.

    def messages(self) -> list[Any]:
        return [message_from_bytes(raw, policy=default) for raw in list(self.raw)]

    def by_id(self) -> Counter[str]:
        """How often each Message-ID arrived."""
        return Counter(str(message["Message-ID"]) for message in self.messages())


class _Smtp(SMTP):
    """Remembers who is there."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.event_handler.open.add(transport)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self.event_handler.open.discard(self.transport)
        super().connection_lost(error)


class _Controller(Controller):
    def factory(self) -> SMTP:
        return _Smtp(self.handler, **self.SMTP_kwargs)


def in_thread(work: Any) -> threading.Thread:
    """Run something beside the test."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread
