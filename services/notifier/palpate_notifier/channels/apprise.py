"""Chat and SMS through Apprise, where the extra `palpate[apprise]` is installed.  The URLs are secrets."""

import asyncio
from importlib import import_module
from importlib.util import find_spec

from palpate_notifier.directory import Person
from palpate_notifier.tables import Delivery
from palpate_runtime.attempt import Attempt, Sent


def is_there() -> bool:
    """Whether Apprise is installed."""
    return find_spec("apprise") is not None


async def send(delivery: Delivery, person: Person) -> Attempt:
    """One attempt at one message, to every address that the person has.

    Apprise says only whether all went well: when one did not, it is tried again, and the others hear it twice.
    """
    if not is_there():
        return Attempt(Sent.REFUSED, "apprise is not installed")
    apprise = import_module("apprise")
    messenger = apprise.Apprise()
    for url in person.apprise:
        messenger.add(url.get_secret_value())
    if not len(messenger):
        return Attempt(Sent.REFUSED, "no address that apprise knows")
    sent = await asyncio.to_thread(messenger.notify, body=delivery.text, title=delivery.subject)
    return Attempt(Sent.ACCEPTED) if sent else Attempt(Sent.LATER, "apprise could not send")
