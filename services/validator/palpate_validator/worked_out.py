"""A fact that is worked out when first asked for and then kept."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar, overload

Value = TypeVar("Value")


class worked_out(Generic[Value]):  # noqa: N801 - a decorator, written as `property` is
    """`functools.cached_property` without its lock: Python 3.11 takes one at every first look, 3.12 none."""

    def __init__(self, work_out: Callable[[Any], Value]) -> None:
        self._work_out = work_out
        self.__doc__ = work_out.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        """Under which name it is kept."""
        self._name = name

    @overload
    def __get__(self, owner: None, kind: type) -> "worked_out[Value]": ...
    @overload
    def __get__(self, owner: object, kind: type) -> Value: ...
    def __get__(self, owner: object | None, kind: type) -> "Value | worked_out[Value]":
        if owner is None:
            return self
        value = owner.__dict__[self._name] = self._work_out(owner)
        return value
