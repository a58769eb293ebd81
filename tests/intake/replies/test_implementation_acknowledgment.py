"""The 999: which transactions are accepted, and which segment and element is wrong, by its place in the transaction."""

import pytest

from palpate_intake.replies.x12_replies import X12Replies
from tests.intake.replies.answering import SAMPLES, STAMP, SYNTAX, by_delimiters, finding, judged, reply
from tests.intake.replies.second_reader import faults, named, segments
from tests.intake.x12_text import x12


def test_every_segment_of_an_answer() -> None:
    text = reply(SYNTAX, x12(("SV1*HC:97110", "SV1*HC:97110:GP*55*UN*two***1~")))
    assert text.splitlines() == [
        "ISA*00*          *00*          *ZZ*RECEIVER       *ZZ*SENDER         *261124*0930*^*00501*000000007*0*T*:~",
        "GS*FA*RECEIVER*SENDER*20261124*0930*7*X*005010X231A1~",
        "ST*999*0001*005010X231A1~",
        "AK1*HC*1*005010X222A1~",
        "AK2*837*0001*005010X222A1~",
        "IK3*SV1*22*2400*8~",
        "CTX*CLM01:C-1~",
        "IK4*4*380*6~",
        "IK5*R*5~",
        "AK9*R*1*1*0~",
        "SE*9*0001~",
        "GE*1*7~",
        "IEA*1*000000007~",
    ]
    # The place is the one in the transaction: the 22nd segment from ST.
    inside = segments(x12())[2:]
    assert inside[21][0] == "SV1"


ODDITIES: tuple[tuple[str, str, list[list[str]]], ...] = (
    ("DMG*", "DMG*D8*1951*F~", [["IK3", "DMG", "11", "", "8"], ["IK4", "2", "1251", "8"]]),
    ("NM1*85*", "NM1*85*2*CLINIC~", [["IK3", "NM1", "7", "2010", "8"], ["IK4", "9", "67", "I9"]]),
    ("NM1*PR*", "NM1*PR*2*MEDICARE~", [["IK3", "NM1", "12", "2010", "8"], ["IK4", "9", "67", "1"]]),
    ("CLM*", "CLM*C-1*165***11:B*Y*A*Y*Y~", [["IK3", "CLM", "13", "2300", "8"], ["IK4", "5:3", "1325", "1"]]),
    ("CLM*", "CLM*C-1*165***11:B:7*Y*A*Y*Y~", [["IK3", "REF", "13", "2300", "I6"]]),
    ("LX*2", "", [["IK3", "LX", "21", "2400", "3"]]),
    ("SV1*HC:97110", "", [["IK3", "SV1", "21", "2400", "3"]]),
    (
        "SV1*HC:97110",
        "SV1*IV:97110*55*UN*1***1~",
        [["IK3", "SV1", "22", "2400", "8"], ["IK4", "1:1", "235", "I6"]],
    ),
    ("SV1*HC:97110", "SV1*HC:97110:GP*55*UN****1~", [["IK3", "SV1", "22", "2400", "8"], ["IK4", "4", "380", "1"]]),
    (
        "SV1*HC:97110",
        "SV1*HC:97110:GP*55*UN*1***A~",
        [["IK3", "SV1", "22", "2400", "8"], ["IK4", "7:1", "1328", "6"]],
    ),
)


@pytest.mark.parametrize(("begins", "instead", "said"), ODDITIES)
def test_an_oddity_is_an_error_at_its_segment_and_the_transaction_is_accepted_with_errors(
    begins: str, instead: str, said: list[list[str]]
) -> None:
    text = reply(SYNTAX, x12((begins, instead)))
    assert named(text, "IK3", "IK4") == said
    assert named(text, "IK5") == [["E", "5"]]
    assert named(text, "AK9") == [["E", "1", "1", "1"]]


COUNTS = (
    ("SE*24*0001", "SE*99*0001", ["E", "4"], ["E", "1", "1", "1"]),
    ("SE*24*0001", "SE*24*0009", ["E", "3"], ["E", "1", "1", "1"]),
    ("GE*1*1", "GE*5*1", ["A"], ["E", "1", "1", "1", "5"]),
    ("GE*1*1", "GE*1*9", ["A"], ["E", "1", "1", "1", "4"]),
    ("GE*1*1~\n", "", ["A"], ["E", "1", "1", "1", "3"]),
    ("IEA*1*000000001", "IEA*1*000000009", ["A"], ["A", "1", "1", "1"]),
)


@pytest.mark.parametrize(("right", "wrong", "transaction", "group"), COUNTS)
def test_control_numbers_and_counts(right: str, wrong: str, transaction: list[str], group: list[str]) -> None:
    given = x12()
    assert right in given
    text = reply(SYNTAX, given.replace(right, wrong))
    assert named(text, "IK5") == [transaction]
    assert named(text, "AK9") == [group]


def test_the_second_reader_takes_the_answers_to_all_of_these() -> None:
    odd = [x12((begins, instead)) for begins, instead, _ in ODDITIES]
    miscounted = [x12().replace(right, wrong) for right, wrong, _, _ in COUNTS]
    assert faults(reply(SYNTAX, *odd, *miscounted)) == []


def test_a_transaction_that_breaks_off_says_so_and_the_claim_that_was_whole_counts() -> None:
    text = reply(SYNTAX, (SAMPLES / "cut-off.837").read_bytes())
    assert named(text, "IK5") == [["E", "2"]]
    assert named(text, "AK9") == [["E", "1", "1", "1", "3"]]


def test_another_guide_is_not_supported() -> None:
    text = reply(SYNTAX, x12().replace("005010X222A1", "005010X223A2"))
    assert named(text, "IK5") == [["R", "I6"]]
    assert named(text, "AK9") == [["R", "1", "1", "0"]]


def test_a_group_is_answered_by_one_999_with_all_its_transactions() -> None:
    whole = x12().splitlines()
    first = whole[2:-2]
    second = [line.replace("*0001", "*0002") for line in first]
    broken = [line.replace("*0001", "*0003").replace("*UN*1*", "*UN*one*") for line in first]
    text = "\n".join([*whole[:2], *first, *second, *broken, "GE*3*1~", GS_2, *first, "GE*1*2~", "IEA*2*000000001~"])
    written = reply(SYNTAX, text)
    assert named(written, "AK1") == [["HC", "1", "005010X222A1"], ["HC", "2", "005010X222A2"]]
    assert [each[1] for each in named(written, "AK2")] == ["0001", "0002", "0003", "0001"]
    assert [each[0] for each in named(written, "IK5")] == ["A", "A", "R", "A"]
    assert named(written, "AK9") == [["P", "3", "3", "2"], ["A", "1", "1", "1"]]
    assert faults(written) == []


GS_2 = "GS*HC*SENDER*RECEIVER*20261119*0930*2*X*005010X222A2~"


def test_what_the_rule_book_says_is_no_matter_of_syntax() -> None:
    [(read, _)] = judged(x12())
    replies = X12Replies(SYNTAX, STAMP)
    text = replies.add("f", read, [finding("units-total-over")]) + replies.end()
    assert named(text, "IK5") == [["A"]]


def test_the_wrong_value_is_not_repeated() -> None:
    text = reply(SYNTAX, x12(("SV1*HC:97110", "SV1*HC:97110:GP*55*UN*CANARY***1~"), ("DMG", "DMG*D8*CANARY*F~")))
    assert len(named(text, "IK4")) == 2
    assert "CANARY" not in text


def test_the_second_reader_takes_the_answer_to_every_file() -> None:
    answers = by_delimiters(SYNTAX)
    assert sum(text.count("AK2") for text in answers) > 20
    assert [fault for text in answers for fault in faults(text)] == []


@pytest.mark.parametrize(("right", "wrong"), [("IK5*A", "IK5*Z"), ("AK9*A", "AK9*Z"), ("AK1*HC", "AK1*HZ")])
def test_the_second_reader_would_find_what_is_wrong(right: str, wrong: str) -> None:
    text = reply(SYNTAX, x12())
    assert right in text
    assert faults(text.replace(right, wrong, 1)) != []
