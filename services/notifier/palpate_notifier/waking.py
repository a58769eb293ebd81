"""A rest that ends early when there is something to do."""

import asyncio


class Wake:
    """Lets a loop rest between its rounds, and whoever queued something call it back."""

    def __init__(self) -> None:
        self._called = asyncio.Event()

    def call(self) -> None:
        """Something was queued: look now rather than in a while."""
        self._called.set()

    def listen(self) -> None:
        """From here on a call counts; one that came before has been answered by the round that begins."""
        self._called.clear()

    async def rest(self, seconds: float) -> None:
        """Until called, but no longer than this.

        `asyncio.wait_for` would take a cancellation that meets the call for the call, and the loop would never end.
        """
        try:
            async with asyncio.timeout(seconds):
                await self._called.wait()
        except TimeoutError:
            return
