"""Whether a request may be answered: whose key it brings, and whether that source asks too often."""

import math
import time

from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.requests import Request

from palpate_intake.http.problems import NO_KEY, TOO_MANY, Refused
from palpate_intake.http.sources import Source, Sources
from palpate_intake.settings import IntakeSettings

_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="palpate"'}


class Doorkeeper:
    """Lets sources in."""

    def __init__(self, sources: Sources, settings: IntakeSettings) -> None:
        self._sources, self._rate = sources, settings.rate_limit
        # Counted in this process: Redis that is away must not decide who may ask.
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def let_in(self, request: Request) -> Source:
        """The source whose key the request brings.

        Raises:
            Refused: there is none, or it asks too often.
        """
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        source = self._sources.now().holder_of(key.strip()) if scheme.lower() == "bearer" else None
        if source is None:
            detail = "send the header Authorization: Bearer KEY, with a key that whoever runs Palpate made for you"
            raise Refused(NO_KEY, detail, headers=_CHALLENGE)
        if not self._limiter.hit(self._rate, source.name):
            frees_at = self._limiter.get_window_stats(self._rate, source.name).reset_time
            wait = max(1, math.ceil(frees_at - time.time()))
            raise Refused(TOO_MANY, f"a source may make {self._rate}", headers={"Retry-After": str(wait)})
        return source
