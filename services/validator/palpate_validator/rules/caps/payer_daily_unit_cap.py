"""More units are billed on one day than this payer allows.

## What it checks
The day's timed units together against the payer's cap, and each code with a cap of its own against that, where the
payer's profile holds one.

## Why it matters
The payer pays up to the cap, whatever the minutes say.

## How to fix
Bill up to the cap; the minutes stay in the note.

## Example that fails
Five timed units to a payer that allows four a day.

## Example that passes
Four timed units to the same payer.

## Limits
Only caps in the profile are known. Exceptions by place of service or by agreement are not.
"""

from collections.abc import Iterator

from palpate_schemas.finding import Denial
from palpate_validator.rule import BILLER, Result, fails, rule
from palpate_validator.unit_limits import by_code
from palpate_validator.visit import Visit


@rule(
    remedy="Bill up to the payer's daily cap; the minutes stay in the note.",
    fixer=BILLER,
    denial=Denial(carc="222", rarc="N362"),
    sources=("The payer's policy, as its profile cites it",),
    confidence="practice",
    settings={"daily_timed_unit_cap", "daily_line_cap"},
)
def over_the_daily_cap(visit: Visit) -> Iterator[Result]:
    if visit.says("daily_timed_unit_cap"):
        cap = visit.setting("daily_timed_unit_cap")
        units = sum(line.whole_units or 0 for line in visit.timed_lines)
        if units > cap:
            yield fails(
                f"{units} timed units are billed on {visit.date_of_service}; this payer allows {cap} a day.",
                pointer="/lines",
                billed_units=units,
                cap=cap,
            )
    if visit.says("daily_line_cap"):
        yield from _codes_over(visit, visit.setting("daily_line_cap"))


def _codes_over(visit: Visit, caps: dict[str, int]) -> Iterator[Result]:
    for code, lines in by_code(visit).items():
        units = sum(line.whole_units or 0 for line in lines)
        if code in caps and units > caps[code]:
            yield fails(
                f"{code} has {units} units on {visit.date_of_service}; this payer allows {caps[code]} a day.",
                line=lines[0],
                pointer="/units",
                billed_units=units,
                cap=caps[code],
            )
