"""837P files are read however they are delimited, padded and joined; what is odd is noted, not raised."""

from io import BytesIO

import pytest

from palpate_intake.outcome import ReadClaim, Unreadable
from palpate_intake.x12_segments import Delimiters, Segments, delimiters_of
from tests.intake.x12_text import GS, ISA, read, read_one, x12

PLAIN = x12()


def _redelimited(element: str, component: str, terminator: str) -> str:
    text = PLAIN.replace("~\n", "\x01").replace("*", "\x02").replace(":", "\x03")
    return text.replace("\x01", terminator).replace("\x02", element).replace("\x03", component)


@pytest.mark.parametrize(
    "text",
    [
        PLAIN,
        PLAIN.replace("\n", ""),
        PLAIN.replace("\n", "\r\n"),
        PLAIN.replace("~\n", "\n"),
        PLAIN.replace("~\n", "\r\n"),
        PLAIN.replace("~\n", "~\n\n   \n"),
        PLAIN.replace("\n", "\n      "),
        "\ufeff" + PLAIN,
        "\r\n\r\n" + PLAIN,
        PLAIN + "\x1a",
        PLAIN.removesuffix("~\n"),
        _redelimited("|", ">", "'"),
        _redelimited("\x1d", "\x1f", "\x1c"),
        _redelimited("*", "<", "\n"),
        PLAIN.replace("SENDER         ", "SENDER").replace("RECEIVER       ", "RECEIVER"),
        PLAIN.replace(ISA + "\n", "").replace("IEA*1*000000001~\n", ""),
        PLAIN.replace(f"{ISA}\n{GS}\n", "").replace("GE*1*1~\nIEA*1*000000001~\n", ""),
        _redelimited("|", ">", "'").partition("GS|")[2].partition("ST|")[2].join(["ST|", ""]),
    ],
    ids=[
        "as it should be", "one line", "CRLF", "newline ends a segment", "CRLF ends a segment", "blank lines",
        "indented", "byte-order mark", "blank lines first", "Ctrl-Z last", "no last terminator", "other delimiters",
        "control characters", "component <", "ISA not padded", "no ISA", "bare ST", "bare ST, other delimiters",
    ],
)  # fmt: skip
def test_the_same_claim_is_read_however_it_is_delimited(text: str) -> None:
    assert read_one(text).claim == read_one(PLAIN).claim


def test_delimiters_are_counted_from_the_isa() -> None:
    assert delimiters_of(ISA) == Delimiters("*", ":", "^", "~")
    assert delimiters_of(ISA.replace("*^*", "*U*")).repetition == ""


def test_components_separated_otherwise_than_isa16_says_are_still_read() -> None:
    text = "\n".join(line if line.startswith("ISA") else line.replace(":", ">") for line in PLAIN.splitlines())
    outcome = read_one(text)
    assert outcome.claim == read_one(PLAIN).claim
    assert [finding.code for finding in outcome.structure] == ["component-separator"]


def test_several_interchanges_with_their_own_delimiters() -> None:
    joined = PLAIN + _redelimited("|", ">", "'") + "\ufeff" + _redelimited("*", ":", "\n")
    outcomes = read(joined)
    assert [type(outcome) for outcome in outcomes] == [ReadClaim] * 3
    assert all(not outcome.structure for outcome in outcomes)


def test_an_interchange_whose_last_terminator_is_missing_does_not_swallow_the_next() -> None:
    assert len(read(PLAIN.removesuffix("~\n") + "\n" + PLAIN)) == 2


def test_a_control_number_that_looks_like_an_interchange_does_not_hide_the_next_one() -> None:
    closing = "IEA*1*000000001"
    outcomes = read(PLAIN.replace(closing + "~\n", "IEA*1*ISA") + "\n" + PLAIN)
    assert [type(outcome) for outcome in outcomes] == [ReadClaim] * 2
    assert [found.code for found in outcomes[0].structure] == ["interchange-control"]


def test_a_file_of_more_interchanges_without_a_whole_isa_than_are_guessed_at_says_where_it_was_left() -> None:
    headless = PLAIN.replace(ISA, "ISA*00~")
    outcomes = read(headless * 2 + "ISA*00~" * 1_000 + PLAIN)
    assert [type(outcome) for outcome in outcomes] == [ReadClaim, ReadClaim, Unreadable]
    assert "more than 1000 interchanges" in outcomes[-1].reasons[0].reason  # type: ignore[union-attr]
    assert outcomes[-1].position == "segment 1054"


def test_segments_are_numbered_over_the_whole_stream() -> None:
    segments = Segments(BytesIO((PLAIN + PLAIN).encode()))
    numbers = [segments.number for _ in segments]
    assert numbers == list(range(1, 57))


@pytest.mark.parametrize("size", [1, 7, 105, 106, 107, 1000])
def test_chunks_may_end_anywhere(size: int) -> None:
    class Trickle(BytesIO):
        def read(self, _size: int | None = -1) -> bytes:
            return super().read(size)

    text = PLAIN + _redelimited("|", ">", "'")
    assert list(Segments(Trickle(text.encode()))) == list(Segments(BytesIO(text.encode())))


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        (PLAIN, []),
        (PLAIN.replace("SE*24*", "SE*23*"), ["segment-count"]),
        (PLAIN.replace("SE*24*", "SE*024*"), []),
        (PLAIN.replace("SE*24*0001", "SE*24*0002"), ["transaction-control"]),
        (PLAIN.replace("GE*1*1", "GE*2*1"), ["transaction-count"]),
        (PLAIN.replace("GE*1*1", "GE*1*2"), ["group-control"]),
        (PLAIN.replace("IEA*1", "IEA*2"), ["group-count"]),
        (PLAIN.replace("IEA*1*000000001", "IEA*1*000000002"), ["interchange-control"]),
        (PLAIN.replace("IEA*1*000000001~\n", ""), ["interchange-unclosed"]),
        (PLAIN.replace("GE*1*1~\n", ""), ["group-unclosed"]),
        (PLAIN.replace(ISA + "\n", ""), ["interchange-missing", "interchange-unopened"]),
        (PLAIN.replace("CLM*C-1*165", "CLM*C-1*166"), ["total-charge"]),
        (PLAIN.replace("11:B:1*", "11:B:7*"), ["original-reference-missing"]),
        (PLAIN.replace("LX*2~\n", "").replace("SE*24", "SE*23"), ["line-number-missing"]),
        (PLAIN.replace("SV1*HC:97110:GP", "SV1*IV:97110"), ["code-set-unknown", "total-charge"]),
        (PLAIN + "ST*835*1~\nSE*2*1~\n", ["transaction-other"]),
    ],
)  # fmt: skip
def test_what_is_odd_in_the_structure_is_noted_with_the_claim(text: str, codes: list[str]) -> None:
    (outcome,) = read(text)
    assert isinstance(outcome, ReadClaim)
    assert [finding.code for finding in outcome.structure] == codes


def test_a_claim_that_breaks_off_is_refused_and_the_ones_before_and_after_are_read() -> None:
    two = PLAIN.replace("SE*24", "HL*3*1*22*0~\nCLM*C-2*55***11:B:1~\nHI*ABK:M542~\nLX*1~\nSE*24")
    cut = two[: two.index("SE*24")]
    outcomes = read(cut + PLAIN)
    assert [type(outcome) for outcome in outcomes] == [ReadClaim, Unreadable, ReadClaim]
    assert "may have lost lines" in outcomes[1].reasons[0].reason  # type: ignore[union-attr]
    assert outcomes[1].claim_id == "C-2"  # type: ignore[union-attr]
    assert "transaction-unclosed" in [finding.code for finding in outcomes[1].structure]


def test_a_claim_outside_a_transaction_is_refused() -> None:
    (outcome,) = read(PLAIN.replace("ST*837*0001*005010X222A1~\n", ""))
    assert isinstance(outcome, Unreadable)
    assert "outside a transaction" in outcome.reasons[0].reason


def test_a_file_without_claims_says_so() -> None:
    (outcome,) = read(ISA + GS)
    assert isinstance(outcome, Unreadable)
    assert "no claim" in outcome.reasons[0].reason


def test_a_bad_claim_does_not_take_the_next_along() -> None:
    second = PLAIN.replace("HI*ABK:M542*ABF:M5412~\n", "")
    assert [type(outcome) for outcome in read(second + PLAIN)] == [Unreadable, ReadClaim]


def test_no_reason_repeats_what_was_sent() -> None:
    (outcome,) = read(x12(("SV1", "SV1*HC:SECRETNAME:GP*110*UN*SECRET***1~"), ("CLM", "CLM*C-1*165***SECRET:B:1~")))
    assert isinstance(outcome, Unreadable)
    assert len(outcome.reasons) == 3
    assert not any("SECRET" in reason.reason for reason in outcome.reasons)
