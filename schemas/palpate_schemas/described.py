"""JSON Schema of the contract's models, with what stands under each field as its description.

pydantic's own `use_attribute_docstrings` reads the source of every model at every start, which was a seventh of the
start of `palpate check`; only who asks for a schema needs the descriptions.
"""

import ast
import inspect
import textwrap
from functools import cache
from itertools import pairwise
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema


class Described(GenerateJsonSchema):
    """Generates schemas whose properties say what their fields are."""

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        """A model's schema, with its descriptions."""
        made = super().model_schema(schema)
        model: type[BaseModel] = schema["cls"]
        for name, words in _descriptions(model).items():
            field = model.model_fields[name]
            shown = made.get("properties", {}).get(field.serialization_alias or field.alias or name)
            if shown is not None:
                shown.setdefault("description", words)
        return made


def _descriptions(model: type[BaseModel]) -> dict[str, str]:
    """What is written under each field, where the class that has the last word on it is."""
    found: dict[str, str] = {}
    for cls in reversed(model.__mro__):
        if issubclass(cls, BaseModel) and cls.__module__ != BaseModel.__module__:
            written = _written(cls)
            found = {name: words for name, words in found.items() if name not in inspect.get_annotations(cls)} | written
    return {name: words for name, words in found.items() if name in model.model_fields}


@cache
def _written(cls: type[Any]) -> dict[str, str]:
    """The text under each annotated name of a class."""
    if cls.__name__.endswith("]"):
        return {}  # a generic model with its parameters: its fields are written in the model itself
    definition: Any = ast.parse(textwrap.dedent(inspect.getsource(cls))).body[0]
    return {
        field.target.id: inspect.cleandoc(text.value.value)
        for field, text in pairwise(definition.body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
        and isinstance(text.value.value, str)
    }
