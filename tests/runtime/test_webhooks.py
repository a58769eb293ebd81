"""A webhook's attempt ends, and says how, whatever its URL and its secret are and whoever answers."""

import asyncio
import ipaddress
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from palpate_runtime.attempt import Attempt, Sent
from palpate_runtime.webhooks import Message, is_public, longest_attempt_s, new_client, post

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)

Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def listening(answer: Answer) -> AsyncIterator[int]:
    """A server on loopback that does what it is told with each connection; its port."""

    async def until_it_goes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await answer(reader, writer)
        except OSError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(until_it_goes, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def attempted(url: str, secret: str = SECRET, *, timeout_s: float = 2.0) -> Attempt:
    async with new_client(timeout_s) as client, asyncio.timeout(20):
        return await post(Message("m-1", "{}"), url, secret, NOW, private=True, client=client)


@pytest.mark.parametrize(
    ("url", "secret"),
    [
        ("http://127.0.0.1:1/", ""),
        ("http://127.0.0.1:1/", "whsec_"),
        ("http://127.0.0.1:1/", "whsec_MfKQ9"),
        ("http://127.0.0.1:1/\x01", SECRET),
        ("http://127.0.0.1:99999/", SECRET),
        ("http://[::1/", SECRET),
        ("http://\u2100.example/", SECRET),
    ],
    ids=["no secret", "a bare prefix", "no base64", "a control character", "no port", "half an address", "no name"],
)
async def test_what_somebody_can_mend_is_tried_later(url: str, secret: str) -> None:
    attempt = await attempted(url, secret)
    assert attempt.sent is Sent.LATER
    assert (attempt.detail or "").isidentifier()


async def test_a_name_that_is_not_ascii_is_looked_up_and_named_as_its_certificate_has_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []
    heads: list[bytes] = []

    async def loopback(host: str, port: int, **_: Any) -> list[Any]:
        asked.append(host)
        return [(2, 1, 6, "", ("127.0.0.1", port))]

    async def taken(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        await writer.drain()

    # There is no name server here, and no name beyond localhost that a test could stand on.
    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", loopback)
    async with listening(taken) as port:
        assert await attempted(f"http://bücher.example:{port}/") == Attempt(Sent.ACCEPTED)
    assert asked[0] == "xn--bcher-kva.example"
    assert f"host: xn--bcher-kva.example:{port}".encode() in heads[0].lower()


def never_done(beginning: bytes) -> Answer:
    """Answers every request with this, and then a letter at a time for ever."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(beginning)
        while not writer.is_closing():
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.02)

    return answer


async def test_an_answer_that_never_ends_to_begin_is_given_up() -> None:
    async with listening(never_done(b"HTTP/1.1 200 OK\r\nx: ")) as port:
        attempt = await attempted(f"http://127.0.0.1:{port}/", timeout_s=0.1)
    # It may have been taken: nobody knows.
    assert attempt == Attempt(Sent.UNKNOWN, "TimeoutError")


async def test_an_answer_counts_though_what_follows_it_never_ends() -> None:
    async with listening(never_done(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")) as port:
        assert await attempted(f"http://127.0.0.1:{port}/", timeout_s=0.1) == Attempt(Sent.ACCEPTED)


async def test_the_longest_attempt_is_longer_than_each_of_its_steps() -> None:
    async with new_client(10) as client:
        steps = httpx.Timeout(client.timeout).as_dict().values()
    assert longest_attempt_s(10) > sum(each or 0 for each in steps)


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.215.14", True),
        ("2606:2800:21f:cb07::1", True),
        ("64:ff9b::5db8:d70e", True),
        ("64:ff9b::7f00:1", False),
        ("64:ff9b::a9fe:a9fe", False),
        ("64:ff9b:1::5db8:d70e", False),
        ("fec0::1", False),
        ("::7f00:1", False),
        ("::93.184.215.14", False),
        ("::ffff:0:127.0.0.1", False),
        ("::ffff:127.0.0.1", False),
        ("2002:a01:203::1", False),
        ("2001:db8::1", False),
        ("ff0e::1", False),
        ("224.0.0.1", False),
    ],
)
def test_an_address_is_public_where_the_one_inside_it_is_too(address: str, public: bool) -> None:
    assert is_public(ipaddress.ip_address(address)) is public
