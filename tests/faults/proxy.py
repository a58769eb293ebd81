"""A TCP proxy in a thread: it can cut every connection, or swallow everything without a word."""

import asyncio
import contextlib
import threading


class Proxy:
    """Listens on a port of its own and passes on to another one."""

    def __init__(self, to_port: int) -> None:
        self.port = 0
        self.delay_s = 0.0
        self._to_port = to_port
        self._writers: set[asyncio.StreamWriter] = set()
        self._swallow = False
        self._refuse = False
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Proxy":
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def cut(self) -> None:
        """Reset every connection; new ones are fine."""
        self._soon(self._cut)

    def black_hole(self) -> None:
        """From now on nothing arrives any more, in either direction, and nobody is told."""
        self._swallow = True

    def heal(self) -> None:
        """All is well again; connections that lost bytes are reset, as they would be in the end."""
        self._swallow = False
        self.cut()

    def _soon(self, call: object) -> None:
        done = threading.Event()

        def run() -> None:
            call()  # type: ignore[operator]
            done.set()

        self._loop.call_soon_threadsafe(run)
        assert done.wait(10)

    def _cut(self) -> None:
        for writer in list(self._writers):
            writer.transport.abort()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        self._cut()
        server.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        with contextlib.suppress(RuntimeError):
            self._loop.run_until_complete(asyncio.sleep(0.05))
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._to_port)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, far_writer}
        try:
            await asyncio.gather(self._pass(reader, far_writer), self._pass(far_reader, writer))
        finally:
            self._writers -= {writer, far_writer}
            for each in (writer, far_writer):
                each.transport.abort()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65_536):
                if self.delay_s:
                    await asyncio.sleep(self.delay_s)
                if not self._swallow:
                    writer.write(data)
                    await writer.drain()
        writer.transport.abort()
