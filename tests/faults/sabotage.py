"""`palpate serve ...` with one thing done to it first: `python -m tests.faults.sabotage serve notifier`.

`SABOTAGE` says what.  What kills does so once, so that the next process of that name gets further: it leaves a file
behind, `SABOTAGE_DONE`.
"""

import dataclasses
import importlib
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any


def kill_once() -> None:
    """kill -9 of ourselves, unless that has been done."""
    done = Path(os.environ["SABOTAGE_DONE"])
    if not done.exists():
        done.write_text("done", "utf-8")
        os.kill(os.getpid(), signal.SIGKILL)


def before(owner: Any, name: str) -> None:
    """Die where this would be called."""
    original = getattr(owner, name)

    async def dies(*args: Any, **kwargs: Any) -> Any:
        kill_once()
        return await original(*args, **kwargs)

    setattr(owner, name, dies)


def after(owner: Any, name: str) -> None:
    """Die where this has just returned."""
    original = getattr(owner, name)

    async def dies(*args: Any, **kwargs: Any) -> Any:
        found = await original(*args, **kwargs)
        kill_once()
        return found

    setattr(owner, name, dies)


def recording() -> None:
    """In the transaction that records, before it is committed."""
    from palpate_notifier.recorder import Recorder

    after(Recorder, "_quieten")


def acknowledging() -> None:
    """Recorded and committed, not acknowledged."""
    from palpate_runtime.commit import Acknowledger

    before(Acknowledger, "xack")


def dispatching() -> None:
    """In the transaction that makes a message of notices."""
    from palpate_notifier.dispatcher import Dispatcher

    after(Dispatcher, "_queue")


def leased() -> None:
    """A message leased, and nothing sent."""
    from palpate_notifier.sender import Sender

    before(Sender, "_attempt")


def sent() -> None:
    """The server has said 250, and nothing is written down."""
    from palpate_notifier.sender import Sender

    after(Sender, "_attempt")


def published() -> None:
    """A correction on the stream, and not marked as published."""
    from palpate_notifier.publisher import Publisher

    original = Publisher.__init__

    def patched(self: Any, sessions: Any, redis: Any, clock: Any, **more: Any) -> None:
        def dies() -> Any:
            kill_once()
            return clock()

        original(self, sessions, redis, dies, **more)

    Publisher.__init__ = patched  # type: ignore[method-assign]


def _on_poison(act: Callable[[], None]) -> None:
    app: Any = importlib.import_module("palpate_validator.app")

    original = app.answers

    def poisoned(entries: Any, *args: Any) -> Any:
        if any(b"POISON" in raw for raw, _ in entries):
            act()
        return original(entries, *args)

    app.answers = poisoned


def poison_kills() -> None:
    """A claim that kills whoever looks at it."""
    _on_poison(lambda: os.kill(os.getpid(), signal.SIGKILL))


def poison_raises() -> None:
    """A claim that breaks the validator itself, with PHI in the error."""

    def act() -> None:
        raise RuntimeError("cannot judge ZAPHODCANARY")

    _on_poison(act)


def rule_raises() -> None:
    """One rule is broken."""
    app: Any = importlib.import_module("palpate_validator.app")

    original = app.load_rule_book

    def broken(*_args: Any, **_kwargs: Any) -> Any:
        raise RuntimeError("cannot judge ZAPHODCANARY")

    def load(*args: Any, **kwargs: Any) -> Any:
        book = original(*args, **kwargs)
        rules = [
            dataclasses.replace(rule, judge=broken) if rule.id == os.environ["SABOTAGE_RULE"] else rule
            for rule in book.rules
        ]
        return type(book)(tuple(rules), book.parameters, book.tables, book.profiles, book.ruleset)

    app.load_rule_book = load


if __name__ == "__main__":
    globals()[os.environ["SABOTAGE"]]()
    from palpate_cli.main import app as palpate

    palpate()
