"""A table as CSV that a spreadsheet opens without computing anything in it."""

import csv
import io
from collections.abc import Iterable, Sequence

# What a spreadsheet takes for the beginning of a formula (OWASP, "CSV injection").
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def write(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """The table, with CRLF lines as RFC 4180 has them and a mark by which Excel sees UTF-8."""
    out = io.StringIO()
    lines = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    lines.writerow(heading)
    lines.writerows([cell(each) for each in row] for row in rows)
    return "\ufeff" + out.getvalue()


def cell(text: str) -> str:
    """A value that stays a value."""
    return f"'{text}" if text.startswith(_FORMULA) else text
