"""Child processes under one roof: started in order, restarted when they die, stopped together."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from palpate_runtime.parents import ends_with_us
from palpate_runtime.tasks import ended

STOP_WITHIN_S = 12.0
STEADY_AFTER_S = 10.0

Tell = Callable[[str, str], None]
"""Receives a process's name and one line that it printed."""


@dataclass(frozen=True, slots=True)
class Command:
    """What one process runs."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)


class Family:
    """Processes that live and die together."""

    def __init__(self, commands: Sequence[Command], tell: Tell) -> None:
        self._commands, self._tell = tuple(commands), tell
        self._running: dict[str, asyncio.subprocess.Process] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping = False

    async def start(self) -> None:
        """Start every process and keep it running."""
        for command in self._commands:
            self._tasks.append(asyncio.create_task(self._keep_running(command)))
        await asyncio.sleep(0)

    async def stop(self) -> None:
        """SIGTERM to all, SIGKILL to what is still there after twelve seconds."""
        self._stopping = True
        for process in self._running.values():
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
        await asyncio.gather(*(_ended(process) for process in list(self._running.values())))
        await ended(*self._tasks)

    def pid(self, name: str) -> int | None:
        """The process id of a running child."""
        process = self._running.get(name)
        return process.pid if process is not None and process.returncode is None else None

    async def _keep_running(self, command: Command) -> None:
        delay = 0.5
        loop = asyncio.get_running_loop()
        while True:
            started = loop.time()
            code = await self._run_once(command)
            if self._stopping:
                return
            # One that ran well for a while starts again at once; one that dies young waits longer each time.
            delay = 0.5 if loop.time() - started > STEADY_AFTER_S else min(delay * 2, 15)
            self._tell(command.name, f"ended ({_why(code)}); starting it again in {delay:g} s")
            await asyncio.sleep(delay)

    async def _run_once(self, command: Command) -> int:
        process = await asyncio.create_subprocess_exec(
            *command.argv,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={**os.environ, **command.env},
            # A session of its own: Ctrl-C reaches us alone, and we stop the children in good order.
            start_new_session=True,
            preexec_fn=ends_with_us(),
            limit=1 << 20,
        )
        self._running[command.name] = process
        assert process.stdout is not None  # noqa: S101 - asked for above
        with contextlib.suppress(ValueError):
            async for line in process.stdout:
                self._tell(command.name, line.decode("utf-8", "replace").rstrip())
        return await process.wait()


async def _ended(process: asyncio.subprocess.Process) -> None:
    try:
        await asyncio.wait_for(process.wait(), STOP_WITHIN_S)
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def _why(code: int) -> str:
    if code >= 0:
        return f"exit {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"
