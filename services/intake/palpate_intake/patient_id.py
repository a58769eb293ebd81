"""An opaque patient id, made of the member number that a file carries."""

import hashlib


def opaque_patient_id(*parts: str) -> str:
    """The same person by the same member number has the same id; the number itself cannot be read off it."""
    return "pt-" + hashlib.sha256("\0".join(parts).encode()).hexdigest()[:20]
