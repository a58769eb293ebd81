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

    def start(self) -> "Mails":
        # The controller begins only when the last one has let go of the port.
        deadline = time.monotonic() + 10
        while True:
            self.controller = Controller(self, hostname="127.0.0.1", port=self.port)
            try:
                self.controller.start()
            except OSError:
                assert time.monotonic() < deadline
                time.sleep(0.1)
            else:
                return self

    def stop(self) -> None:
        if self.controller is not None:
            self.controller.stop()
            self.controller = None

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

    @property
    def messages(self) -> list[Any]:
        return [message_from_bytes(raw, policy=default) for raw in list(self.raw)]

    @property
    def by_id(self) -> Counter[str]:
        """How often each Message-ID arrived."""
        return Counter(str(message["Message-ID"]) for message in self.messages)

    @property
    def text(self) -> str:
        """All plain texts."""
        return "\n".join(message.get_body(("plain",)).get_content() for message in self.messages)


def in_thread(work: Any) -> threading.Thread:
    """Run something beside the test."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread
