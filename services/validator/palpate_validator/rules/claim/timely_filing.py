"""The payer's filing limit has passed, or is about to.

## What it checks
The claim goes out within the payer's filing limit, counted from its earliest date of service. In the limit's last 15
days it is a warning.

## Why it matters
A claim that arrives after the limit is denied whatever is in it, and the patient cannot be billed instead.

## How to fix
Before the limit: send the claim now. After it: check the date of service, and whether an earlier submission or one of
the payer's exceptions can be shown.

## Example that fails
To Medicare: a date of service of 2025-03-03 on a claim that goes out on 2026-04-01.

## Example that passes
To Medicare: a date of service of 2025-03-03 on a claim that goes out on 2025-03-05.

## Limits
The limit is the payer profile's `timely_filing_days`; contracts differ, so set it in a profile of your own. A limit of
365 days is read as one calendar year, as Medicare's law puts it, so that a leap day costs nothing. The day a claim is
sent is taken for the day it arrives. Replacements (frequency code 7) have limits of their own and are not judged.
"""

from collections.abc import Iterator
from datetime import date
from functools import lru_cache

from palpate_schemas.finding import Denial
from palpate_validator.rule import BILLER, SAID, Result, fails, rule, warns
from palpate_validator.visit import Visit

ORIGINAL = "1"
LAST_DAYS = 15


@rule(
    remedy="Check the date of service, and whether an earlier submission or an exception of the payer can be shown.",
    fixer=BILLER,
    denial=Denial(carc="29"),
    sources=("42 CFR 424.44 (Medicare)", "the payer's contract"),
    confidence="practice",
    profile={"timely_filing_days": SAID},
    per="claim",
)
def timely_filing(visit: Visit) -> Iterator[Result]:
    if visit.claim.frequency_code != ORIGINAL:
        return
    submitted_on = visit.known(visit.submitted_on, "submitted_on")
    served_on = min([line.service_date for line in visit.lines])
    last_day = _last_day(served_on, visit.setting("timely_filing_days"))
    left = (last_day - submitted_on).days
    if left > LAST_DAYS:
        return
    first = next(line for line in visit.lines if line.service_date == served_on)
    if left < 0:
        late = f"the claim goes out {_days(-left)} later"
        message = f"Services of {first.service_date} could be filed until {last_day}; {late}."
        yield fails(message, line=first, date_of_service=first.service_date, last_day=last_day, days_late=-left)
    else:
        message = f"Services of {first.service_date} can be filed until {last_day}: {_days(left)} left."
        remedy = "Send the claim now."
        yield warns(
            message, line=first, remedy=remedy, date_of_service=first.service_date, last_day=last_day, days_left=left
        )


def _days(number: int) -> str:
    return f"{number} day" if number == 1 else f"{number} days"


@lru_cache(maxsize=4096)
def _last_day(served_on: date, limit: int) -> date:
    """The last day of the limit; 365 days are a calendar year, which ends on 28 February after a 29th."""
    if limit != 365:
        return date.fromordinal(min(served_on.toordinal() + limit, date.max.toordinal()))
    leap_day = (served_on.month, served_on.day) == (2, 29)
    return served_on.replace(year=min(served_on.year + 1, date.max.year), day=28 if leap_day else served_on.day)
