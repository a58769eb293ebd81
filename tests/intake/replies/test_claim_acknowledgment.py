"""The 277CA: what it says of each claim, how claims are grouped, and that an independent reader takes it for one."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from palpate_intake.outcome import ReadClaim
from palpate_intake.replies.stamp import CannotAnswer, Stamp
from palpate_intake.replies.x12_replies import X12Replies
from tests.intake.replies.answering import CLAIMS, FILES, SAMPLES, STAMP, SYNTAX, by_delimiters, finding, judged, reply
from tests.intake.replies.second_reader import faults, named, segments
from tests.intake.x12_text import x12


def test_every_segment_of_a_rejected_claim() -> None:
    missing_gp = x12(("SV1*HC:97140:GP:59", "SV1*HC:97140:59*110*UN*2***1:2~"))
    [written] = [reply(CLAIMS, missing_gp)]
    assert written.splitlines() == [
        "ISA*00*          *00*          *ZZ*RECEIVER       *ZZ*SENDER         *261124*0930*^*00501*000000007*0*T*:~",
        "GS*HN*RECEIVER*SENDER*20261124*0930*7*X*005010X214~",
        "ST*277*0001*005010X214~",
        "BHT*0085*08*0000000070001*20261124*0930*TH~",
        "HL*1**20*1~",
        "NM1*AY*2*PALPATE*****46*RECEIVER~",
        "TRN*1*0000000070001~",
        "DTP*050*D8*20261124~",
        "DTP*009*D8*20261124~",
        "HL*2*1*21*1~",
        "NM1*41*2*S1*****46*S1~",
        "TRN*2*1~",
        "STC*A1:19:AY*20261124*WQ*165~",
        "QTY*AA*1~",
        "AMT*YY*165~",
        "HL*3*2*19*1~",
        "NM1*85*2*WITHHELD*****XX*1497758544~",
        "TRN*1*0~",
        "STC*A1:19:AY**WQ*165~",
        "QTY*QC*1~",
        "AMT*YY*165~",
        "HL*4*3*PT~",
        "NM1*QC*1*WITHHELD*****MI*WITHHELD~",
        "TRN*2*C-1~",
        "STC*A6:453*20261124*U*165********mod-therapy-missing - Line 1 bills 97140 without GP or GO.~",
        "DTP*472*D8*20261116~",
        "SVC*HC:97140:59*110*****2~",
        "STC*A6:453*20261124*U~",
        "REF*FJ*1~",
        "DTP*472*D8*20261116~",
        "SE*29*0001~",
        "GE*1*7~",
        "IEA*1*000000007~",
    ]
    assert faults(written) == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_claim_of_every_file_is_answered_once(path: Path) -> None:
    text = path.read_bytes()
    answered = [claim for trace, claim in _traces(reply(CLAIMS, text)) if trace == "QC"]
    has_isa = re.search(rb"(?:^|[~\n])\s*ISA", text) is not None
    assert len(answered) == has_isa * len(re.findall(rb"(?:^|[~\n])\s*CLM\*", text))


def test_the_second_reader_takes_the_answer_to_every_file() -> None:
    answers = by_delimiters(CLAIMS)
    assert sum(text.count("277*0001") for text in answers) > 20
    assert [fault for text in answers for fault in faults(text)] == []


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("STC*A1:20", "STC*Z1:20"),
        ("STC*A1:20", "STC*A1:99999"),
        ("TRN*1*0~\n", ""),
        ("QTY*QA", "QTY*ZZ"),
        ("HL*3", "HL*9"),
    ],
)
def test_the_second_reader_would_find_what_is_wrong(right: str, wrong: str) -> None:
    text = reply(CLAIMS, x12())
    assert right in text
    assert faults(text.replace(right, wrong, 1)) != []


def _traces(text: str) -> list[tuple[str, str]]:
    """Each TRN with the NM1 before it."""
    found, name = [], ""
    for each in segments(text):
        if each[0] == "NM1":
            name = each[1]
        elif each[0] == "TRN":
            found.append((name, each[2]))
    return found


def test_only_errors_reject_and_the_totals_add_up() -> None:
    [(read, _)] = judged(x12())
    warning = finding("units-underbilled", severity="warning")
    unsaid = finding("units-vs-time-unknown", severity="info", outcome="undetermined")
    replies = X12Replies(CLAIMS, STAMP)
    error = finding("units-total-over", family="units")
    text = replies.add("f", read, [warning, unsaid]) + replies.add("f", read, [error, warning]) + replies.end()
    assert [each[0] for each in named(text, "STC")] == ["A1:19:AY", "A1:19:AY", "A1:20", "A8:476"]
    assert named(text, "STC")[-1][9] == "A8:263"
    assert named(text, "QTY") == [["90", "1"], ["AA", "1"], ["QA", "1"], ["QC", "1"]]
    assert named(text, "AMT") == [["YU", "165"], ["YY", "165"], ["YU", "165"], ["YY", "165"]]
    assert faults(text) == []


def test_a_line_has_at_most_three_codes_and_the_claim_has_all() -> None:
    [(read, _)] = judged(x12())
    rules = ["units-line-over", "mod-therapy-missing", "dx-missing", "charge-missing", "mod-50"]
    errors = [finding(rule, line_number=2) for rule in rules]
    replies = X12Replies(CLAIMS, STAMP)
    text = replies.add("f", read, errors) + replies.end()
    *of_claim, of_line = named(text, "STC")[2:]
    assert len(of_claim) == len(rules)
    assert [of_line[0], *of_line[9:]] == ["A8:476", "A8:263", "A6:453"]
    assert named(text, "REF") == [["FJ", "2"]]
    assert faults(text) == []


def test_each_transaction_and_each_interchange_has_its_own_answer_with_its_control_numbers() -> None:
    whole = x12().splitlines()
    first = whole[2:-2]
    second = [line.replace("BHT*0019*00*1*", "BHT*0019*00*BATCH-2*").replace("*0001", "*0002") for line in first]
    second = [line.replace("CLM*C-1", "CLM*C-2").replace("1497758544", "1003000126", 1) for line in second]
    two = "\n".join([*whole[:2], *first, *second, "GE*2*1~", "IEA*1*000000001~"]) + "\n"
    other = two.replace("000000001", "000000002").replace("SENDER ", "OTHERS ")
    written = reply(CLAIMS, two + other)
    assert [each[12] for each in named(written, "ISA")] == ["000000007", "000000008"]
    assert [each[7].strip() for each in named(written, "ISA")] == ["SENDER", "OTHERS"]
    assert [each[1] for each in named(written, "ST")] == ["0001", "0002"] * 2
    assert [claim for trace, claim in _traces(written) if trace == "41"] == ["1", "BATCH-2"] * 2
    assert [claim for trace, claim in _traces(written) if trace == "QC"] == ["C-1", "C-2"] * 2
    assert [each[8] for each in named(written, "NM1") if each[0] == "85"] == ["1497758544", "1003000126"] * 2
    assert faults(written) == []


def test_an_interchange_that_was_sent_twice_is_answered_twice() -> None:
    for form, transaction in ((CLAIMS, "277"), (SYNTAX, "999")):
        written = reply(form, x12() + x12())
        assert [each[12] for each in named(written, "ISA")] == ["000000007", "000000008"]
        assert [each[0] for each in named(written, "ST")] == [transaction, transaction]
        assert faults(written) == []


def test_the_senders_own_amount_and_line_number_come_back() -> None:
    text = x12(
        ("CLM*", "CLM*C-1*166.5***11:B:1*Y*A*Y*Y~"),
        ("SV1*HC:97140:GP:59", "SV1*HC:97140:59*110*UN*2***1:2~"),
        ("DTP*472", "DTP*472*D8*20261116~REF*6R*MY-LINE-1~"),
    )
    written = reply(CLAIMS, text)
    assert named(written, "STC")[2][3] == "166.5"
    assert named(written, "REF") == [["FJ", "MY-LINE-1"]]


def test_a_4010_interchange_without_a_repetition_separator_is_answered_with_one() -> None:
    written = reply(CLAIMS, x12().replace("*^*00501*", "*U*00401*").replace("005010X222A1", "004010X098A1"))
    assert named(written, "ISA")[0][10:12] == ["^", "00501"]
    assert faults(written) == []


def test_several_providers_of_one_transaction_are_levels_of_it() -> None:
    replies = X12Replies(CLAIMS, STAMP)
    text = ""
    for npi in ("1497758544", "1003000126", "1497758544", ""):
        [(read, _)] = judged(x12(("NM1*85", f"NM1*85*2*CLINIC*****{'XX*' + npi if npi else ''}~")))
        text += replies.add("f", read, [])
    text += replies.end()
    assert named(text, "HL") == [
        ["1", "", "20", "1"],
        ["2", "1", "21", "1"],
        ["3", "2", "19", "1"],
        ["4", "3", "PT"],
        ["5", "3", "PT"],
        ["6", "2", "19", "1"],
        ["7", "6", "PT"],
        ["8", "2", "19", "1"],
        ["9", "8", "PT"],
    ]
    assert [each[7:9] for each in named(text, "NM1") if each[0] == "85"][-1] == ["SV", "MISSING"]
    assert faults(text) == []


UNREADABLE = (
    ("SV1*HC:97140", "SV1*HC:97140:GP*110*UN*two***1~", "A7:476"),
    ("SV1*HC:97140", "SV1*HC:9714*110*UN*2***1~", "A7:454"),
    ("DTP*472", "DTP*472*D8*20261316~", "A7:187"),
    ("HI*", "", "A7:255"),
    ("CLM*", "CLM*C-1*165***1:B:1*Y*A*Y*Y~", "A7:249"),
    ("CLM*", "CLM*C-1*165***11:B:4*Y*A*Y*Y~", "A7:535"),
)


@pytest.mark.parametrize(("segment", "instead", "status"), UNREADABLE)
def test_a_claim_that_cannot_be_read_is_rejected_by_the_field_that_is_wrong(
    segment: str, instead: str, status: str
) -> None:
    text = reply(CLAIMS, x12((segment, instead)))
    rejected = named(text, "STC")[-1]
    assert (rejected[0], rejected[2], rejected[3]) == (status, "U", "165")
    assert ("QC", "C-1") in _traces(text)


def test_the_second_reader_takes_the_answers_to_claims_that_cannot_be_read() -> None:
    assert faults(reply(CLAIMS, *[x12((segment, instead)) for segment, instead, _ in UNREADABLE])) == []


def test_a_transaction_that_breaks_off_is_answered_as_far_as_it_came() -> None:
    text = reply(CLAIMS, (SAMPLES / "cut-off.837").read_bytes())
    assert [each[0] for each in named(text, "STC")][2:] == ["A1:20", "A3:481"]


def test_the_delimiters_are_those_of_what_is_answered_so_that_a_claims_number_comes_back_whole() -> None:
    text = x12().replace("~\n", "\x01").replace("*", "|").replace(":", ">").replace("\x01", "'")
    text = text.replace("CLM|C-1", "CLM|C*1:2~3")
    written = reply(CLAIMS, text)
    assert ("QC", "C*1:2~3") in _traces(written)
    assert written.startswith("ISA|00|")
    assert "STC|A1>20|" in written


def test_a_delimiter_in_the_words_of_a_finding_does_not_break_the_segment() -> None:
    [(read, _)] = judged(x12())
    replies = X12Replies(CLAIMS, STAMP)
    error = finding("units-total-over", message="a*b~c^d:e\nf § “g” é " + "long " * 100)
    text = replies.add("f", read, [error]) + replies.end()
    words = named(text, "STC")[2][11]
    assert words.startswith("units-total-over - Message"[:19] + "a b c d e f")
    assert len(words) <= 264
    assert faults(text) == []


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (x12().partition("GS*")[2].join(["GS*", ""]), "there is no ISA"),
        ('{"claim_id": "J-1"}', "no X12 interchange holds this"),
    ],
    ids=["no ISA", "JSON"],
)
def test_without_an_envelope_nobody_can_be_answered(text: str, why: str) -> None:
    [(read, findings), *_] = judged(text)
    replies = X12Replies(CLAIMS, STAMP)
    with pytest.raises(CannotAnswer, match=why):
        replies.add("some.file", read, findings)
    assert replies.end() == ""


def test_the_same_input_gives_the_same_reply_and_the_stamp_decides_the_rest() -> None:
    assert reply(CLAIMS, x12()) == reply(CLAIMS, x12())
    [(read, findings)] = judged(x12())
    later = X12Replies(CLAIMS, Stamp(at=datetime(2027, 1, 2, 3, 4, tzinfo=UTC), control=10**9 + 5))
    text = later.add("f", read, findings) + later.end()
    assert [each[8:13] for each in named(text, "ISA")] == [["270102", "0304", "^", "00501", "000000005"]]
    assert isinstance(read, ReadClaim)
