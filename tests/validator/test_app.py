"""The validator's batches on a real Redis: what one entry does to the others."""

from copy import copy
from datetime import datetime
from typing import Any

import pytest

from palpate_runtime.consumer import Entry
from palpate_runtime.servers import broker_for
from palpate_schemas.claim import Payer
from palpate_validator.app import GROUP, Validator
from palpate_validator.book import RuleBook, shipped_rule_book
from palpate_validator.profiles import Profile
from palpate_validator.settings import ValidatorSettings
from tests.processes import event, events_on
from tests.validator.claims import claim_with

BREAKS = "PAYER-THAT-BREAKS"


class _BreakingProfiles:
    """Payer profiles with a fault of ours in them."""

    def __init__(self, right: Any) -> None:
        self._right = right

    def for_payer(self, payer: Payer) -> Profile:
        if payer.id == BREAKS:
            raise LookupError("a fault of ours")
        found: Profile = self._right.for_payer(payer)
        return found


def breaking_book() -> RuleBook:
    book = copy(shipped_rule_book())
    book.profiles = _BreakingProfiles(book.profiles)  # type: ignore[assignment]
    return book


@pytest.mark.parametrize("place", [0, 1, GROUP, GROUP + 4])
async def test_an_entry_that_breaks_us_leaves_its_neighbours_judged(redis: Any, redis_url: str, place: int) -> None:
    count = GROUP + 5
    for number in range(count):
        claim = claim_with(
            claim={"claim_id": f"CLM-{number}", "patient": {"id": f"P-{number}"}},
            payer={"id": BREAKS} if number == place else {},
        )
        redis.xadd("claims.created", {"event": event(claim, event_id=str(number))})
    redis.xgroup_create("claims.created", "validator", id="0")
    [[_, read]] = redis.xreadgroup("validator", "me", {"claims.created": ">"}, count=count)
    entries = [Entry("claims.created", entry_id.decode(), fields[b"event"]) for entry_id, fields in read]

    settings = ValidatorSettings(redis_url=redis_url)
    broker = broker_for(settings)
    await broker.connect()
    failures = await Validator(broker, breaking_book(), settings).judge(entries)
    await broker.stop()

    assert list(failures) == [entries[place].id]
    assert isinstance(failures[entries[place].id], LookupError)
    judged = [found["subject"] for found in events_on(redis, "claims.passed")]
    assert judged == [f"CLM-{number}" for number in range(count) if number != place]
    assert [
        each["message_id"].decode() for each in redis.xpending_range("claims.created", "validator", "-", "+", 9)
    ] == [entries[place].id]


async def test_verdicts_of_one_batch_are_told_apart_by_when_they_were_judged(redis: Any, redis_url: str) -> None:
    """A version that a sender leaves out is 1 every time: whoever keeps the later verdict must know which that is."""
    count = GROUP + 5
    for number in range(count):
        redis.xadd("claims.created", {"event": event(claim_with(claim={"claim_id": "CLM-1"}), event_id=str(number))})
    redis.xgroup_create("claims.created", "validator", id="0")
    [[_, read]] = redis.xreadgroup("validator", "me", {"claims.created": ">"}, count=count)
    entries = [Entry("claims.created", entry_id.decode(), fields[b"event"]) for entry_id, fields in read]

    settings = ValidatorSettings(redis_url=redis_url)
    broker = broker_for(settings)
    await broker.connect()
    assert await Validator(broker, shipped_rule_book(), settings).judge(entries) == {}
    await broker.stop()

    verdicts = events_on(redis, "claims.passed")
    moments = [datetime.fromisoformat(each["data"]["judged_at"]) for each in verdicts]
    assert len(moments) == count
    assert moments == sorted(set(moments))
    assert [each["data"]["source_event"]["id"] for each in verdicts] == [str(number) for number in range(count)]
