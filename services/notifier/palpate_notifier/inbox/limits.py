"""How often one address may ask for a link to sign in by."""

from collections import deque
from datetime import datetime, timedelta


class Limit:
    """So many within a time, by key; what is older is forgotten, and so are keys that nobody uses."""

    def __init__(self, most: int, within: timedelta, *, keys: int = 10_000) -> None:
        self._most, self._within, self._keys = most, within, keys
        self._seen: dict[str, deque[datetime]] = {}

    def allows(self, key: str, now: datetime) -> bool:
        """Whether this one may still; it counts when it may."""
        times = self._seen.pop(key, deque())
        while times and times[0] <= now - self._within:
            times.popleft()
        allowed = len(times) < self._most
        if allowed:
            times.append(now)
        self._seen[key] = times
        if len(self._seen) > self._keys:
            # The one that has been quiet for longest; a flood of new keys must not fill the memory.
            self._seen.pop(next(iter(self._seen)))
        return allowed
