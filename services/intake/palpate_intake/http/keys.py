"""Keys of sources: 256 random bits each, of which only the SHA-256 is kept.

A fast hash is right here: nobody can guess 256 bits, however fast they try; slow hashes are for passwords.
"""

import hashlib
import secrets
from typing import Annotated

from pydantic import StringConstraints

PREFIX = "plpt_"
"""So that scanners of repositories and logs can tell a key when they see one."""

HashedKey = Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]


def new_key() -> str:
    """A new key."""
    return PREFIX + secrets.token_urlsafe(32)


def hashed(key: str) -> str:
    """What is kept of a key."""
    return "sha256:" + hashlib.sha256(key.encode()).hexdigest()
