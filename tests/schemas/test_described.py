"""The descriptions that a schema shows are what stands under the fields."""

from typing import Generic, TypeVar

from pydantic import BaseModel, Field

from palpate_schemas.described import Described

Kind = TypeVar("Kind")


class Above(BaseModel, Generic[Kind]):
    """A model."""

    told: str
    """As it is told
    on two lines."""
    silent: int = 0
    named: str = Field(alias="as-sent")
    """By its other name."""
    told_again: Kind
    """What the heir has no word on."""


class Heir(Above[int]):
    """One that says more."""

    told: str
    """The last word."""
    silent: int = 1


def descriptions(model: type[BaseModel]) -> dict[str, str | None]:
    properties = model.model_json_schema(schema_generator=Described)["properties"]
    return {name: each.get("description") for name, each in properties.items()}


def test_it_is_the_text_under_the_field_by_the_name_that_is_sent() -> None:
    assert descriptions(Above[int]) == {
        "told": "As it is told\non two lines.",
        "silent": None,
        "as-sent": "By its other name.",
        "told_again": "What the heir has no word on.",
    }


def test_an_heir_has_the_last_word() -> None:
    assert descriptions(Heir) == descriptions(Above[int]) | {"told": "The last word."}
