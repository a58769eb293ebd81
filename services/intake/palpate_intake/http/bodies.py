"""A request's body as a file that a reader can read from another thread, while it arrives."""

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import suppress

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


class Body(io.RawIOBase):
    """Reads chunk by chunk, each asked for when it is needed: a slow reader slows the sender down."""

    def __init__(self, request: Request, loop: asyncio.AbstractEventLoop, *, most: int, pause_s: float) -> None:
        self._chunks: AsyncIterator[bytes] = request.stream()
        self._loop, self._most, self._pause_s = loop, most, pause_s
        self._held, self._read = b"", 0

    def readable(self) -> bool:
        """It can be read."""
        return True

    def readinto(self, into: "bytearray | memoryview") -> int:  # type: ignore[override] # any writable buffer
        """Fill a buffer; in a thread that is not the loop's.

        Raises:
            Refused: the body is too large, or stops arriving.
            starlette.requests.ClientDisconnect: the sender is gone.
        """
        if not self._held:
            self._held = asyncio.run_coroutine_threadsafe(self._next(), self._loop).result()
        given, self._held = self._held[: len(into)], self._held[len(into) :]
        into[: len(given)] = given
        return len(given)

    async def _next(self) -> bytes:
        """The next chunk that is not empty; empty at the end."""
        try:
            async with asyncio.timeout(self._pause_s):
                async for chunk in self._chunks:
                    if chunk:
                        self._count(chunk)
                        return chunk
        except TimeoutError:
            raise Refused(TOO_SLOW, f"nothing arrived for {self._pause_s:g} seconds: send it again") from None
        return b""

    def _count(self, chunk: bytes) -> None:
        self._read += len(chunk)
        if self._read > self._most:
            raise _too_large(self._most)


def _too_large(most: int) -> Refused:
    return Refused(TOO_LARGE, f"a body may have {most} bytes: send fewer claims at once")
