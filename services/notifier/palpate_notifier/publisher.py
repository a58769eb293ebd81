"""Publishes what the cases say on `corrections`: each event once, in order."""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

import structlog
from redis.exceptions import RedisError
from sqlalchemy import select

from palpate_notifier.database import Outage, Sessions
from palpate_notifier.tables import OutgoingEvent
from palpate_notifier.waking import Wake
from palpate_runtime.commit import STREAM_OR_NOTHING
from palpate_schemas.streams import CORRECTIONS, EVENT_FIELD

if TYPE_CHECKING:
    from redis.asyncio import Redis

log = structlog.stdlib.get_logger()

LOOK_EVERY_S = 1.0
_SCRIPT = (
    STREAM_OR_NOTHING
    + """
-- KEYS: the stream; then for each event: the key that remembers it.  ARGV: field, seconds; then the events
local wrong = not_a_stream(KEYS[1])
if wrong then return wrong end
for i = 2, #KEYS do
  if redis.call('SET', KEYS[i], '1', 'NX', 'EX', ARGV[2]) then
    redis.call('XADD', KEYS[1], '*', ARGV[1], ARGV[i + 1])
  end
end
"""
)


class Publisher:
    """Moves outgoing events from the database to the stream.

    Between the stream and the database no transaction spans both; the stream remembers what it has, so that an event
    whose publication was not written down in time is not published a second time.
    """

    def __init__(
        self, sessions: Sessions, redis: Callable[[], "Redis"], clock: Callable[[], datetime], *, remember_s: int
    ) -> None:
        self._sessions, self._redis, self._clock, self._remember_s = sessions, redis, clock, remember_s
        self._wake, self._outage = Wake(), Outage(RedisError, away="corrections_waiting", back=None)

    def wake(self) -> None:
        """Something was queued: look now rather than in a second."""
        self._wake.call()

    async def run(self) -> None:
        """Publish for good."""
        while True:
            self._wake.listen()
            busy = 0
            with self._outage.waited_for():
                busy = await self.publish_due()
            if not busy:
                await self._wake.rest(LOOK_EVERY_S)

    async def publish_due(self) -> int:
        """Publish one round of what waits, oldest first; returns how many."""
        async with self._sessions.begin() as session:
            waiting = (
                await session.scalars(
                    select(OutgoingEvent)
                    .where(OutgoingEvent.published_at.is_(None))
                    .order_by(OutgoingEvent.position)
                    .limit(200)
                    # Waiting for another notifier's, not around them: a case's steps are published in their order.
                    .with_for_update()
                )
            ).all()
            if waiting:
                keys = [CORRECTIONS, *(f"palpate:correction:{{{CORRECTIONS}}}:{event.event_id}" for event in waiting)]
                bodies = [event.body for event in waiting]
                await self._redis().register_script(_SCRIPT)(keys=keys, args=[EVENT_FIELD, self._remember_s, *bodies])
                now = self._clock()
                for event in waiting:
                    event.published_at = now
        return len(waiting)
