"""The tables of `docs/replies.md`, from the data that the replies are made of: `python -m docs.write_replies`."""

from pathlib import Path

from palpate_intake.replies.claim_status import ClaimStatus, status_table
from palpate_intake.replies.syntax import Written, syntax_table
from palpate_validator.catalogue import catalogue

PAGE = Path(__file__).with_name("replies.md")
MARK = "<!-- below here: python -m docs.write_replies -->\n"


def tables() -> str:
    """All of them, as Markdown."""
    return "\n".join([*_claim_status(), *_fields(), *_syntax()]) + "\n"


def _claim_status() -> list[str]:
    table = status_table()
    family_of = {rule.id: rule.family for rule in catalogue()}
    lines = ["## Findings in a 277CA", "", "| family | rule | STC01 | why |", "|---|---|---|---|"]
    for family, row in sorted(table.families.items()):
        lines.append(f"| **{family}** | any other | {_codes(row)} | {row.why} |")
        own = sorted(rule for rule, home in family_of.items() if home == family and rule in table.rules)
        lines += [f"| | [{rule}](rules/{rule}.md) | {_codes(table.rules[rule])} | {table.rules[rule].why} |" for rule in own]
    return lines


def _codes(row: ClaimStatus) -> str:
    composites = [":".join(composite) for composite in row.composites()]
    return ", ".join(f"`{each.replace('pointer', '82, 85, DN or DQ')}`" for each in composites)


def _fields() -> list[str]:
    status, syntax = status_table(), syntax_table()
    lines = ["", "## Fields that kept a claim from being read", "", "| field | written in | 277CA | 999 |", "|---|---|---|---|"]
    for field, row in status.fields.items():
        written = syntax.fields[field]
        lines.append(f"| `{field}` | {row.why} | {_codes(row)} | {_error(written)} |")
    return lines


def _syntax() -> list[str]:
    table = syntax_table()
    lines = ["", "## Oddities in a 999", "", "| finding | 999 |", "|---|---|"]
    lines += [f"| {code} | {_error(written)} |" for code, written in sorted(table.segments.items())]
    lines += [f"| {code} | IK502 `{number}` |" for code, number in sorted(table.transactions.items())]
    lines += [f"| {code} | AK905 `{number}` |" for code, number in sorted(table.groups.items())]
    lines += [f"| {code} | not in it: {why} |" for code, why in sorted(table.not_in_a_999.items())]
    return lines


def _error(written: Written) -> str:
    if not written.element:
        return f"IK3 {written.segment}, IK304 `{written.code}`"
    return f"IK3 {written.segment}, IK4 {written.element}, IK403 `{written.code}`"


if __name__ == "__main__":
    by_hand, mark, _ = PAGE.read_text("utf-8").partition(MARK)
    PAGE.write_text(by_hand + mark + tables(), "utf-8")
