"""Whatever a file holds: its replies never raise, their envelopes close, and their counts are right."""

from io import BytesIO

from hypothesis import given, settings
from hypothesis import strategies as st

from palpate_intake.outcome import ReadClaim
from palpate_intake.reading import read_claims
from palpate_intake.replies.correction_task import correction_task
from palpate_intake.replies.operation_outcome import operation_outcome
from palpate_intake.replies.stamp import CannotAnswer
from palpate_intake.replies.x12_replies import Form, X12Replies
from tests.intake.replies import r4
from tests.intake.replies.answering import AT, CLAIMS, STAMP, SYNTAX, finding
from tests.intake.replies.second_reader import segments
from tests.intake.test_never_raises import _mutated

ERRORS = [
    finding("units-total-over", line_number=1, message="a*b~c:d^e\n" * 40),
    finding("mod-50", family="modifiers", line_number=1, pointer="/lines/0/modifiers"),
    finding("prov-npi-format", family="providers", pointer="/billing_provider/npi"),
]


@given(st.integers(0, 2**32))
@settings(max_examples=150)
def test_replies_to_mutated_files(seed: int) -> None:
    raw = _mutated(seed)
    for form in (CLAIMS, SYNTAX):
        text, answered = _reply(form, raw)
        _closes(text, answered if form is CLAIMS else None)
    for read in read_claims(BytesIO(raw), "fuzz"):
        errors = ERRORS if isinstance(read, ReadClaim) else []
        assert r4.faults(operation_outcome(read, errors)) == []
        if isinstance(read, ReadClaim):
            task = correction_task(read, errors, AT)
            assert task is not None
            assert r4.faults(task) == []


def _reply(form: Form, raw: bytes) -> tuple[str, int]:
    replies, answered, text = X12Replies(form, STAMP), 0, ""
    for read in read_claims(BytesIO(raw), "fuzz"):
        try:
            text += replies.add("fuzz", read, ERRORS if isinstance(read, ReadClaim) else [])
            answered += 1
        except CannotAnswer as error:
            assert str(error).startswith("fuzz: ")  # noqa: PT017 - most files are answered, and some are not
    return text + replies.end(), answered


def _closes(text: str, answered: int | None) -> None:
    """Every envelope is closed by its own number and count, and nothing that was sent has opened another."""
    since_st = claims = 0
    opened: list[list[str]] = []
    for each in segments(text):
        since_st += 1
        name = each[0]
        if name in {"ISA", "GS", "ST"}:
            opened.append(each)
            since_st = 1 if name == "ST" else since_st
        elif name in {"SE", "GE", "IEA"}:
            begun = opened.pop()
            assert {"SE": "ST", "GE": "GS", "IEA": "ISA"}[name] == begun[0]
            assert each[2] == begun[{"SE": 2, "GE": 6, "IEA": 13}[name]]
            assert name != "SE" or each[1] == str(since_st)
        claims += name == "NM1" and each[1] == "QC"
    assert opened == []
    assert answered is None or claims == answered
