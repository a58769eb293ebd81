"""A service: consumers and loops under one roof, with `/livez`, `/readyz` and `/metrics`.

The HTTP side answers from the first moment, Redis or no Redis, so that an orchestrator sees "alive, not ready" while
Redis is away instead of a process that keeps dying.
"""

import asyncio
import logging
import os
import signal
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from types import FrameType

import structlog
import uvicorn
from faststream.redis import RedisBroker
from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from redis.exceptions import RedisError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from palpate_runtime.consumer import StreamConsumer
from palpate_runtime.logs import describe
from palpate_runtime.metrics import REGISTRY
from palpate_runtime.settings import RuntimeSettings
from palpate_runtime.tasks import ended

log = structlog.stdlib.get_logger()

HAND_BACK_S = 3.0
"""After the batch in hand has had its time: to hand it back, and to close everything."""

Loop = Callable[[], Awaitable[None]]
"""Something that runs beside the consumers until it is cancelled."""


class Service:
    """What one process runs."""

    def __init__(
        self,
        name: str,
        settings: RuntimeSettings,
        broker: RedisBroker,
        consumers: Sequence[StreamConsumer],
        *,
        prepare: Loop | None = None,
        loops: Sequence[Loop] = (),
        drain: Loop | None = None,
        close: Loop | None = None,
        routes: Sequence[BaseRoute] = (),
    ) -> None:
        self.name, self.settings = name, settings
        self._broker, self._consumers, self._loops = broker, tuple(consumers), tuple(loops)
        self._prepare, self._drain, self._close = prepare, drain, close
        self._stopping = False
        self.asgi = Starlette(
            routes=[
                Route("/livez", self._live),
                Route("/readyz", self._ready),
                Route("/metrics", _metrics),
                *routes,
            ],
            lifespan=self._lifespan,
        )
        # A redirect would lead to whatever host the request names.
        self.asgi.router.redirect_slashes = False

    def run(self) -> None:
        """Run until SIGTERM or SIGINT; the batch in hand is finished first."""
        config = uvicorn.Config(
            self.asgi, log_config=None, access_log=False, lifespan="on", timeout_graceful_shutdown=1, loop="auto"
        )
        listener = socket.create_server((self.settings.http_host, self.settings.http_port))
        host, port = listener.getsockname()[:2]
        log.info("service_starting", host=host, port=port, consumer=self.settings.consumer)
        _Server(config, gone_after_s=self.settings.stop_within_s + HAND_BACK_S).run(sockets=[listener])

    @asynccontextmanager
    async def _lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        await self._broker.connect()
        prepared = asyncio.Event()
        loops = [*(consumer.supervise for consumer in self._consumers), *self._loops]
        work = [asyncio.create_task(self._get_ready(prepared))]
        work += [asyncio.create_task(self._for_good(loop, prepared)) for loop in loops]
        try:
            yield
        finally:
            await self._stop(work)

    async def _stop(self, work: "Sequence[asyncio.Task[None]]") -> None:
        """Within ten seconds: no new work, what is in hand finished or handed back, everything closed."""
        self._stopping = True
        drains = [] if self._drain is None else [asyncio.wait_for(self._drain(), self.settings.stop_within_s)]
        # Side by side: the consumers finish their batches while the sender finishes its round.
        await asyncio.gather(*(consumer.stop() for consumer in self._consumers), *drains, return_exceptions=True)
        await ended(*work)
        await self._broker.stop()
        if self._close is not None:
            await self._close()
        log.info("service_stopped")

    async def _get_ready(self, prepared: asyncio.Event) -> None:
        if self._prepare is not None:
            await _until_it_works(self._prepare)
        prepared.set()

    async def _for_good(self, loop: Loop, prepared: asyncio.Event) -> None:
        """Run a loop again when it breaks: one bad round must not silence it for ever."""
        await prepared.wait()
        while not self._stopping:
            try:
                await loop()
            except Exception as error:  # noqa: BLE001 - the stream edge's twin: logged, then tried again
                log.error("loop_failed", **describe(error))
            if not self._stopping:
                await asyncio.sleep(1)

    async def _live(self, _request: Request) -> Response:
        """200 while a restart would not help: Redis that is away is no reason to be killed, a stuck loop is."""
        live = all(consumer.is_alive() for consumer in self._consumers)
        return JSONResponse({"service": self.name, "live": live}, status_code=200 if live else 503)

    async def _ready(self, _request: Request) -> Response:
        """200 only while every stream is being read."""
        streams: dict[str, bool] = {}
        for consumer in self._consumers:
            streams[consumer.stream] = False
            with suppress(RedisError, OSError, TimeoutError):
                streams[consumer.stream] = await asyncio.wait_for(consumer.is_consuming(), timeout=2)
        ready = all(streams.values())
        return JSONResponse(
            {"service": self.name, "ready": ready, "consuming": streams}, status_code=200 if ready else 503
        )


async def _metrics(_request: Request) -> Response:
    return Response(generate_latest(REGISTRY), headers={"Content-Type": CONTENT_TYPE_LATEST})


async def _until_it_works(prepare: Loop) -> None:
    delay = 0.5
    while True:
        try:
            await prepare()
        except Exception as error:  # noqa: BLE001 - a database that is away at the start comes back like any other
            log.error("not_prepared", retry_in_s=delay, **describe(error))
            await asyncio.sleep(delay)
            delay = min(delay * 2, 15)
        else:
            return


def _leave() -> None:
    """End at once.  It costs no more than a kill would: what was not committed is rolled back and taken over."""
    log.warning("stopped_in_the_middle")
    logging.shutdown()
    os._exit(0)


class _Server(uvicorn.Server):
    """uvicorn, ending with exit code 0 when it was asked to end and did.

    Its own way is to raise the signal once more when it has stopped, so that a clean stop looks like a kill.
    """

    def __init__(self, config: uvicorn.Config, *, gone_after_s: float) -> None:
        super().__init__(config)
        self._gone_after_s = gone_after_s

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to stop, and see to it that it ends: a database that is locked answers nobody for a long time."""
        if not self.should_exit:
            timer = threading.Timer(self._gone_after_s, _leave)
            timer.daemon = True
            timer.start()
        super().handle_exit(sig, frame)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop on SIGTERM and SIGINT."""
        before = {each: signal.signal(each, self.handle_exit) for each in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)
