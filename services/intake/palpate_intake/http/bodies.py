"""A request's body as a file that a reader can read from another thread, while it arrives."""

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass

from starlette.requests import Request

from palpate_intake.http.problems import TOO_LARGE, TOO_SLOW, WRONG_TYPE, Refused


def checked_length(request: Request, most: int) -> None:
    """Refuse a body that says of itself that it is too large, before any of it is read.

    Raises:
        Refused: it is; or it is packed, which is not read here.
    """
    if request.headers.get("content-encoding", "identity").strip().lower() not in {"", "identity"}:
        raise Refused(WRONG_TYPE, "a packed body (Content-Encoding) is not read: send it unpacked")
    with suppress(ValueError):
        if int(request.headers.get("content-length", "0")) > most:
            raise _too_large(most)


SLOWEST = 65_536
"""Bytes a second that a body has to come with, once its first seconds are over."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How slowly a body may arrive: a reader that waits for it is nobody else's meanwhile."""

    pause_s: float
    """The longest silence."""
    grace_s: float
    """All of the waiting for it, besides a second for each `SLOWEST` bytes that came."""


class Body(io.RawIOBase):
    """Reads chunk by chunk, each asked for when it is needed: a slow reader slows the sender down."""

    def __init__(self, request: Request, loop: asyncio.AbstractEventLoop, *, most: int, pace: Pace) -> None:
        self._chunks: AsyncIterator[bytes] = request.stream()
        self._loop, self._most, self._pace = loop, most, pace
        self._held, self._read, self._waited = b"", 0, 0.0

    def readable(self) -> bool:
        """It can be read."""
        return True

    def readinto(self, into: "bytearray | memoryview") -> int:  # type: ignore[override] # any writable buffer
        """Fill a buffer; in a thread that is not the loop's.

        Raises:
            Refused: the body is too large, stops arriving, or arrives too slowly.
            starlette.requests.ClientDisconnect: the sender is gone.
        """
        if not self._held:
            self._held = asyncio.run_coroutine_threadsafe(self._next(), self._loop).result()
        given, self._held = self._held[: len(into)], self._held[len(into) :]
        into[: len(given)] = given
        return len(given)

    async def _next(self) -> bytes:
        """The next chunk that is not empty; empty at the end."""
        left_s = self._pace.grace_s + self._read / SLOWEST - self._waited
        began = self._loop.time()
        try:
            async with asyncio.timeout(min(self._pace.pause_s, left_s)):
                async for chunk in self._chunks:
                    if chunk:
                        self._count(chunk)
                        return chunk
        except TimeoutError:
            raise Refused(TOO_SLOW, self._too_slow(left_s)) from None
        finally:
            # The sender's time alone: while claims are published, it is we who are slow.
            self._waited += self._loop.time() - began
        return b""

    def _too_slow(self, left_s: float) -> str:
        if left_s > self._pace.pause_s:
            return f"nothing arrived for {self._pace.pause_s:g} seconds: send it again"
        return (
            f"after {self._pace.grace_s:g} seconds a body has to come with {SLOWEST} bytes a second: send fewer claims"
        )

    def _count(self, chunk: bytes) -> None:
        self._read += len(chunk)
        if self._read > self._most:
            raise _too_large(self._most)


def _too_large(most: int) -> Refused:
    return Refused(TOO_LARGE, f"a body may have {most} bytes: send fewer claims at once")
