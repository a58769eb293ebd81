"""No reply repeats what a claim says of a person: a canary stands in every place where it could."""

import json

from palpate_intake.outcome import ReadClaim
from palpate_intake.replies.correction_task import correction_task
from palpate_intake.replies.operation_outcome import operation_outcome
from tests.end_to_end.test_main_job import PHI, claim_full_of_phi
from tests.intake.replies.answering import AT, CLAIMS, SYNTAX, judged, reply
from tests.intake.x12_text import x12

NAMES = ("CANARYLAST", "CANARYFIRST", "CANARYDOC", "CANARYNOTE", "CANARYMEMBER", "19510504", "1951-05-04")


def full_of_phi(*more: tuple[str, str]) -> str:
    return x12(
        ("NM1*IL", "NM1*IL*1*CANARYLAST*CANARYFIRST****MI*CANARYMEMBER~"),
        ("NM1*82", "NTE*ADD*CANARYNOTE~NM1*82*1*CANARYDOC*CANARYFIRST****XX*1245319599~"),
        ("NM1*85", "NM1*85*1*CANARYDOC*CANARYFIRST****XX*1497758544~"),
        *more,
    )


FORMS = (
    full_of_phi(),
    full_of_phi(("SV1*HC:97140:GP:59", "SV1*HC:97140*110*UN*9***1~")),
    full_of_phi(
        ("SV1*HC:97140:GP:59", "SV1*HC:97140*CANARYNOTE*UN*CANARYNOTE***CANARYNOTE~"), ("DMG", "DMG*D8*CANARYLAST*F~")
    ),
    full_of_phi().partition("SE*")[0],
)


def test_no_reply_to_an_837p_names_a_person() -> None:
    written = [reply(form, text) for form in (CLAIMS, SYNTAX) for text in FORMS]
    for text in FORMS:
        for read, findings in judged(text):
            written.append(json.dumps(operation_outcome(read, findings)))
            if isinstance(read, ReadClaim):
                written.append(json.dumps(correction_task(read, findings, AT)))
                assert "CANARYNOTE" in read.unmapped.notes
    assert len(written) > 12
    assert {name for name in NAMES for text in written if name in text} == set()


def test_no_reply_to_json_names_a_person() -> None:
    claim = claim_full_of_phi(lines=[{"modifiers": [], "units": 3}])
    [(read, findings)] = judged(json.dumps(claim), "claim.json")
    assert isinstance(read, ReadClaim)
    assert len(findings) > 1
    text = json.dumps([operation_outcome(read, findings), correction_task(read, findings, AT)])
    assert {what for what, word in PHI.items() if word in text} == set()
