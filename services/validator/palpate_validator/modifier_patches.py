"""RFC 6902 operations that take a modifier off a service line or put one on it."""

from palpate_schemas.finding import PatchOperation
from palpate_validator.visit import Line

MOST_MODIFIERS = 4
"""An 837P service line has room for four (SV101-3 to SV101-6)."""


def without(line: Line, modifier: str, *, keep_first: bool = False) -> tuple[PatchOperation, ...]:
    """Take every occurrence off, or all but the first; the last goes first, so that the positions stay true."""
    places = [place for place, each in enumerate(line.modifiers) if each == modifier]
    doomed = places[1:] if keep_first else places
    return tuple(
        PatchOperation(op="remove", path=f"/lines/{line.index}/modifiers/{place}") for place in reversed(doomed)
    )


def with_added(line: Line, modifier: str) -> tuple[PatchOperation, ...]:
    """Put a modifier at the end; nothing where the line has it already."""
    if line.has(modifier):
        return ()
    path = f"/lines/{line.index}/modifiers"
    if not line.modifiers:
        return (PatchOperation(op="add", path=path, value=[modifier]),)
    return (PatchOperation(op="add", path=f"{path}/-", value=modifier),)
