"""What a mail server's answers mean, each at each step of the conversation, asked of a real connection."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import SecretStr

from palpate_notifier.channels import email
from palpate_notifier.settings import NotifierSettings
from palpate_notifier.tables import Delivery
from palpate_runtime.attempt import Attempt, Sent

USUAL = {"greeting": "220 here", "EHLO": "250-here\r\n250 AUTH PLAIN", "DATA": "354 go on", ".": "250 kept"}


class Server:
    """Speaks as much SMTP as one message needs, and says at each step what it is told to."""

    def __init__(self, **answers: str) -> None:
        self.answers = USUAL | answers
        self.port = 0

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._say(writer, "greeting")
        while line := (await reader.readline()).decode():
            verb = line.split()[0].upper()
            await self._say(writer, verb)
            if verb == "DATA" and self.answers["DATA"].startswith("354"):
                await reader.readuntil(b"\r\n.\r\n")
                await self._say(writer, ".")
            if verb == "QUIT":
                break
        writer.close()

    async def _say(self, writer: asyncio.StreamWriter, step: str) -> None:
        writer.write(self.answers.get(step, "250 fine").encode() + b"\r\n")
        await writer.drain()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    made = Server(AUTH="235 welcome", QUIT="221 bye")
    listening = await asyncio.start_server(made.converse, "127.0.0.1", 0)
    made.port = listening.sockets[0].getsockname()[1]
    yield made
    listening.close()


async def sent(server: Server, **changes: Any) -> Attempt:
    """One attempt at one mail, by somebody who signs in."""
    values: dict[str, Any] = {
        "id": "1", "channel": "email", "person": "ada", "address": "ada@harbor.example", "subject": "1 claim",
        "message_id": "<1@palpate.test>",
        "text": "text", "html": "<p>text</p>", "created_at": datetime(2026, 11, 3, tzinfo=UTC),
    }  # fmt: skip
    settings = NotifierSettings(
        smtp_port=server.port, smtp_username="palpate", smtp_password=SecretStr("secret"), smtp_timeout_s=5
    )
    return await email.send(Delivery(**(values | changes)), settings)


async def test_what_the_server_takes_is_sent(server: Server) -> None:
    assert await sent(server) == Attempt(Sent.ACCEPTED)


@pytest.mark.parametrize(
    ("step", "answer", "detail"),
    [
        ("greeting", "554 5.7.1 no mail from your network", "554 5.7.1"),
        ("AUTH", "535 5.7.8 the password was changed", "535 5.7.8"),
        ("MAIL", "530 5.7.0 sign in first", "530 5.7.0"),
        ("MAIL", "550 5.1.8 no such sender", "550 5.1.8"),
        ("RCPT", "554 5.7.1 <ada@harbor.example>: Relay access denied", "554 5.7.1"),
        ("RCPT", "550 5.7.26 unauthenticated mail is not taken", "550 5.7.26"),
        ("RCPT", "550 5.1.8 <palpate@localhost>: the sender's domain is not there", "550 5.1.8"),
        ("RCPT", "550 relay not permitted", "550"),
        ("RCPT", "550 your host is on a block list", "550"),
        ("RCPT", "452 4.2.2 mailbox full", "452"),
        (".", "451 try again", "451"),
    ],
)
async def test_what_is_wrong_with_us_or_passes_is_tried_later(
    server: Server, step: str, answer: str, detail: str
) -> None:
    server.answers[step] = answer
    assert await sent(server) == Attempt(Sent.LATER, detail)


@pytest.mark.parametrize("step", ["RCPT", "."])
@pytest.mark.parametrize(
    ("answer", "detail"),
    [
        ("550 5.1.1 <ada@harbor.example>: user unknown", "550 5.1.1"),
        ("550-5.1.1 The account does not exist.\r\n550 5.1.1 See our pages.", "550 5.1.1"),
        ("556 5.1.10 the domain takes no mail", "556 5.1.10"),
        ("550 No such user here", "550"),
        ("550 Unrouteable address", "550"),
    ],
)
async def test_a_mailbox_that_is_not_there_bounces(server: Server, step: str, answer: str, detail: str) -> None:
    server.answers[step] = answer
    assert await sent(server) == Attempt(Sent.REFUSED, detail, bounced=True)


@pytest.mark.parametrize(
    ("step", "answer", "detail"),
    [
        ("RCPT", "552 5.2.2 mailbox full", "552 5.2.2"),
        ("RCPT", "550 5.2.1 mailbox disabled", "550 5.2.1"),
        (".", "554 5.7.1 looks like spam", "554 5.7.1"),
        (".", "552 too long", "552"),
    ],
)
async def test_what_this_mailbox_or_this_message_is_refused_for_is_given_up_and_the_address_stays(
    server: Server, step: str, answer: str, detail: str
) -> None:
    server.answers[step] = answer
    assert await sent(server) == Attempt(Sent.REFUSED, detail)


async def test_an_address_that_mail_cannot_carry_is_refused_and_nothing_breaks(server: Server) -> None:
    assert await sent(server, address="zoë@harbor.example") == Attempt(Sent.REFUSED, "an address beyond ASCII")
