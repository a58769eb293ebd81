"""The 7th character of an ICD-10-CM code: whether it is there, and stands in the seventh place."""

from dataclasses import dataclass

from palpate_validator.icd10 import code_set, dotted


@dataclass(frozen=True, slots=True)
class SeventhCharacterFault:
    """What is wrong, in words that follow the code; the right spelling where there is only one."""

    problem: str
    right: str | None = None


def seventh_character_fault(code: str) -> SeventhCharacterFault | None:
    """What is wrong with the 7th character of a normalised code; None where it is right or not wanted."""
    codes = code_set()
    if codes.is_listed(code):
        return None
    if codes.takes_seventh_character(code):
        return SeventhCharacterFault("lacks its 7th character")
    spelled = code[:-1].rstrip("X").ljust(6, "X") + code[-1]
    if codes.is_listed(spelled):
        return SeventhCharacterFault(
            f"has its 7th character in the wrong place: it is written {dotted(spelled)}", spelled
        )
    if len(code) == 7 and codes.takes_seventh_character(code[:6]):
        return SeventhCharacterFault(f"has {code[6]} as its 7th character, which this code does not take")
    return None
