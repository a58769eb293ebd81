"""What is written beside a file that could not be read whole: where, why, and how much of it was published."""

import json
from dataclasses import dataclass, field
from typing import Any

from palpate_intake.outcome import Unreadable

MOST_TOLD = 1_000
"""Claims whose reasons are written down; more of the same file have the same fault."""


@dataclass
class Unread:
    """What could not be read of one file."""

    count: int = 0
    told: list[dict[str, Any]] = field(default_factory=list)

    def add(self, unreadable: Unreadable, path: str, name: str) -> None:
        """One more claim, or the whole file.

        Args:
            unreadable: What the reader says; no reason of it repeats a value that was sent.
            path: The file's place while it was read, which the reader may name.
            name: What its sender calls it.
        """
        self.count += 1
        if len(self.told) < MOST_TOLD:
            self.told.append(_told(unreadable, path, name))

    def as_json(self, name: str, digest: str, published: int) -> str:
        """The text of the file."""
        told = {
            "file": shown_name(name),
            "sha256": digest,
            "published": published,
            "not_published": self.count,
            "errors": self.told,
            "errors_left_out": self.count - len(self.told),
        }
        return json.dumps(told, indent=2) + "\n"


def _told(unreadable: Unreadable, path: str, name: str) -> dict[str, Any]:
    return {
        "file": shown_name(unreadable.file.replace(path, name)),
        "position": unreadable.position,
        "claim_id": unreadable.claim_id,
        "reasons": [
            {"pointer": each.pointer, "reason": shown_name(each.reason.replace(path, name))}
            for each in unreadable.reasons
        ],
        "structure": [
            {"code": each.code, "position": each.position, "message": each.message} for each in unreadable.structure
        ],
    }


def shown_name(text: str) -> str:
    """A text that a file's name may be part of, as UTF-8 can write it: names are bytes."""
    return text.encode("utf-8", "replace").decode()
