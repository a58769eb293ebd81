"""What pyx12 says of a reply, by its own maps of the implementation guides; and its segments, by our reader."""

import io
import json
import warnings
from typing import Any

from palpate_intake.x12_segments import Segments

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import pyx12.params
    import pyx12.x12n_document


def faults(text: str) -> list[Any]:
    """Every error that pyx12 finds; it is none when it also says that the whole is right."""
    found = io.StringIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        right = pyx12.x12n_document.x12n_document(
            param=pyx12.params.params(), src_file=io.StringIO(text), fd_997=None, fd_html=None, fd_json=found
        )
    errors = [found.getvalue()] if not right else []
    return errors + [each for listed in _errors(json.loads(found.getvalue())) for each in listed]


def _errors(value: Any) -> Any:
    if isinstance(value, dict):
        yield from (each for key, each in value.items() if key in {"errors", "segments"})
        for each in value.values():
            yield from _errors(each)
    elif isinstance(value, list):
        for each in value:
            yield from _errors(each)


def segments(text: str) -> list[list[str]]:
    """The segments, by our own tokenizer."""
    return list(Segments(io.BytesIO(text.encode("latin-1"))))


def named(text: str, *names: str) -> list[list[str]]:
    """Those of some names, each without its name when one name is asked for."""
    return [each[1:] if len(names) == 1 else each for each in segments(text) if each[0] in names]
