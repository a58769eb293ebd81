"""Totals of minutes in a visit note: those in its fields, and whether its text speaks of one."""

import re

from palpate_schemas.claim import VisitNote

_TOTAL_IN_WORDS = re.compile(
    r"\b(?:total|timed)\b[^.;\n]{0,40}\b\d{1,3}[ -]?min|\b\d{1,3}[ -]?min[a-z]*[^.;\n]{0,20}\b(?:total|timed)\b",
    re.IGNORECASE,
)


def speaks_of_total(note: VisitNote) -> bool:
    """Whether the note's free text states a total of minutes that its fields may not hold."""
    return note.text is not None and _TOTAL_IN_WORDS.search(note.text) is not None
