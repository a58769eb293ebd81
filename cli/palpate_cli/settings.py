"""A service's settings, and what is said when one is wrong: which, and how to mend it, never what it holds."""

from typing import TYPE_CHECKING, TypeVar

from pydantic import ValidationError

if TYPE_CHECKING:  # The settings' library takes a tenth of a second to load, which most commands need not wait.
    from palpate_runtime.settings import RuntimeSettings

S = TypeVar("S", bound="RuntimeSettings")


def read_settings(kind: type[S]) -> S:
    """Read them from the environment and from secret files.

    Raises:
        ValueError: one does not fit; a line for each.
    """
    try:
        return kind()
    except ValidationError as error:
        # An error's own text shows the values, and one of them may be a password.
        raise ValueError("\n".join(_line(each["loc"], each["msg"]) for each in error.errors())) from None


def _line(place: tuple[int | str, ...], message: str) -> str:
    said = message.removeprefix("Value error, ")
    return f"PALPATE_{'.'.join(map(str, place)).upper()}: {said}" if place else said
