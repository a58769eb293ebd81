"""What a note's words say was done, by whom, and whether it was done at all."""

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from palpate_schemas.finding import Finding
from palpate_schemas.values import Outcome
from palpate_validator.book import shipped_rule_book
from palpate_validator.dated import BadData
from palpate_validator.engine import judge
from palpate_validator.tables import TABLES
from palpate_validator.techniques import VOCABULARY, Status, load_vocabulary, scan
from tests.validator.claims import parsed

GIVEN, NOT_GIVEN, BY_PATIENT, UNCLEAR = Status.GIVEN, Status.NOT_GIVEN, Status.BY_PATIENT, Status.UNCLEAR


def named(text: str) -> dict[str, Status]:
    """Technique ids of a text with what is said of each, the last mention's word."""
    return {mention.technique.id: mention.status for mention in scan(text).mentions}


@pytest.mark.parametrize(
    ("text", "technique"),
    [
        ("jt mobs L5", "joint-mobilization"),
        ("Joint mobilisation to R hip", "joint-mobilization"),
        ("gr III PA C5", "joint-mobilization"),
        ("Grade IV- mobs T4", "joint-mobilization"),
        ("GR 3+ AP talocrural", "joint-mobilization"),
        ("CPA C6", "joint-mobilization"),
        ("UPAs L4", "joint-mobilization"),
        ("Maitland to T-spine", "joint-mobilization"),
        ("MWM to R elbow", "joint-mobilization"),
        ("SNAGs C2", "joint-mobilization"),
        ("NAGs C5", "joint-mobilization"),
        ("patellar mobs all planes", "joint-mobilization"),
        ("scapular mobs", "joint-mobilization"),
        ("GH inferior glide", "joint-mobilization"),
        ("lateral glides C6", "joint-mobilization"),
        ("rib mobs", "joint-mobilization"),
        ("HVLAT T6", "thrust-manipulation"),
        ("grade V manipulation T4", "thrust-manipulation"),
        ("lumbar gapping manip", "thrust-manipulation"),
        ("MET to R SI joint", "muscle-energy"),
        ("muscle energy to L innominate", "muscle-energy"),
        ("contract-relax of SI", "muscle-energy"),
        ("PIR to levator", "muscle-energy"),
        ("strain-counterstrain to psoas", "counterstrain"),
        ("positional release", "counterstrain"),
        ("STM to UT", "soft-tissue-mobilization"),
        ("STW gastroc", "soft-tissue-mobilization"),
        ("Soft-tissue mobilization", "soft-tissue-mobilization"),
        ("MFR to pecs", "soft-tissue-mobilization"),
        ("ART to hamstring", "soft-tissue-mobilization"),
        ("Active Release Technique", "soft-tissue-mobilization"),
        ("cross-friction to supraspinatus", "soft-tissue-mobilization"),
        ("deep transverse friction massage", "soft-tissue-mobilization"),
        ("XFM", "soft-tissue-mobilization"),
        ("scar mobs", "soft-tissue-mobilization"),
        ("pin and stretch", "soft-tissue-mobilization"),
        ("TrP release UT", "soft-tissue-mobilization"),
        ("trigger point pressure", "soft-tissue-mobilization"),
        ("suboccipital release", "soft-tissue-mobilization"),
        ("IASTM to R calf", "instrument-assisted-mobilization"),
        ("Graston", "instrument-assisted-mobilization"),
        ("gua sha to UT", "instrument-assisted-mobilization"),
        ("HawkGrips", "instrument-assisted-mobilization"),
        ("MLD to R arm", "lymphatic-drainage"),
        ("manual lymphatic drainage", "lymphatic-drainage"),
        ("edema mobilization hand", "lymphatic-drainage"),
        ("manual cervical traction", "manual-traction"),
        ("man tx", "manual-traction"),
        ("LAD to R hip", "manual-traction"),
        ("long axis distraction", "manual-traction"),
        ("sciatic nerve glides", "neural-mobilization"),
    ],
)
def test_a_technique_of_97140_is_read_in_the_ways_that_clinicians_write_it(text: str, technique: str) -> None:
    assert named(text) == {technique: GIVEN}
    assert VOCABULARY.techniques[technique].kind == "manual"


@pytest.mark.parametrize(
    ("text", "technique"),
    [
        ("mechanical traction 60 lbs", "mechanical-traction"),
        ("mech tx L-spine", "mechanical-traction"),
        ("Saunders x 12 min", "mechanical-traction"),
        ("DRX 9000", "mechanical-traction"),
        ("ice massage to elbow", "hot-or-cold-pack"),
        ("massage gun to quads", "device-massage"),
        ("Hypervolt", "device-massage"),
        ("hydromassage bed", "device-massage"),
        ("TDN to glutes", "dry-needling"),
        ("DN x 3 muscles", "dry-needling"),
        ("Kinesio tape", "taping"),
        ("KT tape R knee", "taping"),
        ("cupping", "cupping"),
        ("phono to R shoulder", "ultrasound"),
        ("US x 8 min", "ultrasound"),
        ("Game Ready", "vasopneumatic"),
        ("IFC", "electrical-stimulation"),
        ("TENS", "electrical-stimulation"),
        ("ther-ex", "exercise"),
        ("TE", "exercise-by-unclear-words"),
        ("NMRE", "neuromuscular-reeducation"),
        ("PNF D2 flexion", "neuromuscular-reeducation"),
        ("ther-act", "activities"),
        ("TA", "activities-by-unclear-words"),
        ("GT x 10 min", "gait-training"),
        ("Epley R", "canalith-repositioning"),
        ("CST", "craniosacral"),
        ("visceral manipulation", "visceral-manipulation"),
        ("PROM R knee", "passive-movement"),
        ("manual stretching R hip", "passive-movement"),
        ("in-hand manipulation", "object-manipulation"),
        ("self-myofascial release", "self-treatment"),
        ("trigger point injections", "trigger-point-injection"),
        ("manipulation under anesthesia", "manipulation-under-anesthesia"),
    ],
)
def test_another_service_is_not_taken_for_manual_therapy(text: str, technique: str) -> None:
    assert named(text) == {technique: GIVEN}
    assert VOCABULARY.techniques[technique].kind not in {"manual", "generic"}


@pytest.mark.parametrize(
    "text",
    [
        "No joint mobs today.",
        "Held joint mobs due to soreness.",
        "Joint mobs held today.",
        "Joint mobs to C5-6 were held secondary to dizziness.",
        "Deferred lumbar joint mobs.",
        "Joint mobs deferred.",
        "Pt declined joint mobs.",
        "Joint mobs not performed.",
        "joint mobs were not tolerated",
        "Did not perform joint mobs.",
        "Unable to tolerate joint mobs",
        "Denies prior joint mobs",
        "Rest instead of joint mobs",
        "without joint mobs",
        "[ ] joint mobs",
        "☐ joint mobs",
        "Joint mobs: n/a",
    ],
)
def test_what_is_negated_was_not_given(text: str) -> None:
    assert named(text) == {"joint-mobilization": NOT_GIVEN}


@pytest.mark.parametrize(
    "text",
    [
        "No adverse response to joint mobs.",
        "No pain with joint mobs",
        "No increase in symptoms after joint mobs",
        "Denies pain following joint mobs",
        "Joint mobs gr III with no soreness",
        "Joint mobs to C5, pain declined 6 to 3",
        "Joint mobs, each held 30 sec",
        "Massage was not needed. Joint mobs gr III",
        "Traction declined; joint mobs instead",
        "[x] joint mobs",
        "Instructed in HEP. Joint mobs gr II",
        "Instructed in HEP and performed joint mobs",
    ],
)
def test_a_negation_of_something_else_leaves_the_technique_given(text: str) -> None:
    assert named(text)["joint-mobilization"] is GIVEN


@pytest.mark.parametrize(
    ("text", "technique", "status"),
    [
        ("No STM or joint mobs", "joint-mobilization", NOT_GIVEN),
        ("STM and joint mobs held today", "joint-mobilization", NOT_GIVEN),
        ("STM/joint mobs deferred", "soft-tissue-mobilization", NOT_GIVEN),
        # "No massage, STM to UT" may say either of the second: nobody can tell.
        ("No massage, STM to UT", "soft-tissue-mobilization", UNCLEAR),
        ("STM, joint mobs held today", "soft-tissue-mobilization", UNCLEAR),
        ("Held massage, then STM to UT", "soft-tissue-mobilization", GIVEN),
    ],
)
def test_a_negation_reaches_what_is_joined_to_it(text: str, technique: str, status: Status) -> None:
    assert named(text)[technique] is status


@pytest.mark.parametrize(
    ("text", "technique", "status"),
    [
        ("Pt instructed in nerve glides", "neural-mobilization", BY_PATIENT),
        ("Educated pt on STM to plantar fascia", "soft-tissue-mobilization", BY_PATIENT),
        ("HEP: nerve glides x 10", "neural-mobilization", BY_PATIENT),
        ("Self-mobs T-spine over towel", "joint-mobilization", BY_PATIENT),
        ("self SNAG with strap", "joint-mobilization", BY_PATIENT),
        ("nerve glides for HEP", "neural-mobilization", BY_PATIENT),
        ("nerve glides at home", "neural-mobilization", BY_PATIENT),
        ("Instructed in HEP, STM to UT x 10", "soft-tissue-mobilization", UNCLEAR),
        ("Plan to add joint mobs", "joint-mobilization", UNCLEAR),
        ("Joint mobs next visit", "joint-mobilization", UNCLEAR),
        ("Consider MFR", "soft-tissue-mobilization", UNCLEAR),
        ("Had a massage last week", "massage", UNCLEAR),
        ("Performed by clinician: nerve glides x 10", "neural-mobilization", GIVEN),
    ],
)
def test_what_the_patient_does_or_another_day_holds_was_not_given_by_the_clinician(
    text: str, technique: str, status: Status
) -> None:
    assert named(text)[technique] is status


@pytest.mark.parametrize(
    ("text", "technique"),
    [
        ("US x 8 min 1 MHz", "ultrasound"),
        ("US", "ultrasound-abbreviated"),
        ("Moved back to the US Army base", None),
        ("The exercise helps us", "exercise"),
        ("MET to L SI", "muscle-energy"),
        ("Goal MET", None),
        ("3 METs on the treadmill", "gait-training"),
        ("We met the patient", None),
        ("ART x 10", "soft-tissue-mobilization"),
        ("Patient enjoys art", None),
        ("DTM to supraspinatus", "deep-tissue-massage"),
        ("TPR upper trap", "soft-tissue-mobilization"),
        ("TPR 98.6/72/16", None),
        ("traction x 10 min", "bare-traction"),
        ("manual traction x 10 min", "manual-traction"),
        ("MT x 15", "manual-therapy"),
        ("Mt. Sinai", None),
        ("TA activation in supine", None),
        ("tender at the GT", None),
        ("antalgic gait with trunk lean", None),
        ("PROM WNL", None),
        ("MMT 4/5", None),
        ("bed mobility", None),
        ("immobilization", None),
        ("s/p carpal tunnel release", None),
        ("diagnostic ultrasound", None),
    ],
)
def test_an_ambiguous_word_is_read_by_what_stands_beside_it(text: str, technique: str | None) -> None:
    assert list(named(text)) == ([] if technique is None else [technique])


def test_in_a_note_all_in_capitals_an_abbreviation_that_is_also_a_word_is_unclear() -> None:
    assert named("PT MET ALL OF HER SHORT TERM GOALS TODAY")["muscle-energy"] is UNCLEAR


# -- what the rules make of it ----------------------------------------------------------------------------------------


def code_findings(profession: str = "PT", **note: object) -> dict[str, str]:
    """Findings of the family `codes` on a claim whose note is changed: their severity, or "cannot tell"."""
    found = findings_of(profession, **note)
    return {f.rule: f.severity.value if f.outcome is Outcome.VIOLATED else "cannot tell" for f in found}


def findings_of(profession: str, **note: object) -> list[Finding]:
    claim = parsed(note={"techniques": None, "clinician": {"profession": profession}, **note})
    judgement = judge(claim, claim.submitted_on, shipped_rule_book())
    return [finding for finding in judgement.findings if finding.rule.startswith("code-")]


@pytest.mark.parametrize(
    ("profession", "text", "expected"),
    [
        ("PT", "HVLA manipulation T4", {}),
        ("OT", "Manipulation to the wrist", {}),
        ("DC", "HVLA manipulation T4", {"code-cmt-9894x": "error"}),
        ("DO", "HVLA manipulation T4", {"code-omt-9892x": "warning"}),
        ("MD", "HVLA manipulation T4", {"code-omt-9892x": "warning"}),
        ("DO", "OMT to cervical and thoracic regions", {"code-omt-9892x": "error"}),
        ("DO", "OMT: muscle energy to sacrum", {"code-omt-9892x": "warning"}),
        ("DO", "Muscle energy to sacrum", {}),
        ("PT", "OMT to the cervical spine", {"code-technique-missing": "error"}),
        ("PT", "Adjusted the seat height. Joint mobs gr III", {}),
        ("DC", "Adjustment of L4. MFR to R shoulder", {}),
        ("PT", "IASTM to R calf to improve extensibility", {}),
        ("PT", "Graston to R plantar fascia", {}),
        ("PT", "MLD to R arm, then multilayer bandaging", {}),
        ("OT", "CDT phase 1: manual lymph drainage", {}),
    ],
)
def test_the_profession_of_the_hand_decides_what_the_words_mean(
    profession: str, text: str, expected: dict[str, str]
) -> None:
    assert code_findings(profession, text=text) == expected


@pytest.mark.parametrize(
    ("note", "expected"),
    [
        # One technique of 97140 is enough, whatever else was done.
        ({"text": "Massage, US x 8 min, ther-ex and joint mobs gr II"}, {}),
        ({"text": "Warm-up on bike", "techniques": ["Joint mobilization"]}, {}),
        # A listed technique in words of the site's own is a technique.
        ({"text": "Manual therapy", "techniques": ["Smith method"]}, {}),
        ({"text": "Massage to neck", "techniques": ["Smith method"]}, {"code-massage-97124": "warning"}),
        # Two services beside "manual therapy" do not name its technique.
        ({"text": "Manual therapy x 15, ther-ex x 10"}, {"code-technique-missing": "error"}),
        ({"text": "Massage and PROM to neck"}, {"code-massage-97124": "warning", "code-prom": "warning"}),
        ({"text": "Plan to add joint mobs. Massage to neck"}, {"code-massage-97124": "warning"}),
        ({"text": "No joint mobs. Massage to neck"}, {"code-massage-97124": "error"}),
        ({"text": "Massage to neck for adhesions"}, {"code-massage-97124": "warning"}),
        ({"text": "Effleurage; ROM improved"}, {"code-massage-97124": "error"}),
    ],
)
def test_97140_is_judged_by_whether_one_of_its_techniques_was_given(
    note: dict[str, object], expected: dict[str, str]
) -> None:
    assert code_findings(**note) == expected  # type: ignore[arg-type] # text and techniques


def test_a_finding_shows_the_vocabulary_s_terms_and_none_of_the_note_s_words() -> None:
    (finding,) = findings_of("PT", text="Mrs. Quillfeather, 1961: swedish massages to her left trapezius, Zanzibar.")
    assert finding.evidence["named"] == ["relaxation massage"]
    shown = finding.model_dump_json()
    assert not [word for word in ("Quillfeather", "1961", "trapezius", "Zanzibar") if word in shown]
    assert finding.patch is None


def test_a_note_without_text_is_no_fault_where_another_one_could_hold_the_technique() -> None:
    day = "2025-03-03"
    notes = [{"service_date": day, "text": "Massage to neck"}, {"service_date": day}]
    claim = parsed(notes=notes)
    found = [f for f in judge(claim, date(2025, 3, 5), shipped_rule_book()).findings if f.rule == "code-massage-97124"]
    assert [(f.outcome, f.needs) for f in found] == [(Outcome.UNDETERMINED, "documentation/text")]


def test_codes_that_the_service_table_ends_are_retired_on_the_same_day() -> None:
    book = shipped_rule_book()
    retired = book.parameters["retired_codes"].timeline
    ended = {each.code: each.last_day for each in book.tables.services.values() if each.last_day is not None}
    assert ended
    for code, last_day in ended.items():
        on, after = retired.on(last_day), retired.on(date.fromordinal(last_day.toordinal() + 1))
        assert on is not None
        assert after is not None
        assert code not in on.value
        assert code in after.value


# -- any text, in linear time -----------------------------------------------------------------------------------------

_FRAGMENTS = st.sampled_from(
    [
        "no ", "held ", "deferred", ", ", ". ", "and ", "or ", "/", "instructed in ", "HEP: ", "self-", "joint mobs",
        "STM", "MFR", "US ", "MET ", "massage", "gr III+ ", "next visit ", "for HEP", "not performed", "then ", "[ ] ",
        "\n", "PROM ", "manual ", "traction ", "with ", "pain ", "\u00e9", "\u0130", "\u00df", "\u2013", "12 ", "%",
    ]
)  # fmt: skip


@given(st.one_of(st.text(), st.lists(_FRAGMENTS, max_size=40).map("".join)))
@settings(max_examples=400, deadline=None)
def test_any_text_can_be_read(text: str) -> None:
    first = VOCABULARY.scan(text)
    assert first == VOCABULARY.scan(text)
    assert all(mention.term for mention in first.mentions)


@given(st.lists(_FRAGMENTS, max_size=20).map("".join))
@settings(max_examples=100, deadline=None)
def test_a_sentence_of_its_own_with_a_technique_is_always_given(text: str) -> None:
    assert named(f"{text}\nSuboccipital release x 10 min")["soft-tissue-mobilization"] is GIVEN


@pytest.mark.parametrize(
    "repeated",
    [
        "a", " ", "(", "joint ", "manual ", "grade i ", "no ", "held ", "stm, ", "stm/", "stm deferred ",
        "stm and deferred deferred ", "instructed in stm stm ", "hep: ", "self-", "non surgical spinal ",
        "massage to increase ", "deep transverse ", "osteopathic ", "gr 3 to ",
    ],
)  # fmt: skip
@pytest.mark.timeout(30)
def test_the_longest_note_is_read_to_its_end(repeated: str) -> None:
    """No pattern goes back over what it has read: one that did would be at this for minutes, and be stopped."""
    note = repeated * (100_000 // len(repeated))
    assert named(f"{note}\nSuboccipital release x 10 min")["soft-tissue-mobilization"] is GIVEN


# -- the table --------------------------------------------------------------------------------------------------------

_GOOD = (TABLES / "techniques.toml").read_text("utf-8")


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        (_GOOD.replace('kind = "generic"', 'kind = "other"'), "kind is one of"),
        (_GOOD.replace("'reiki'", "'(reiki'"), "not a regular expression"),
        (_GOOD.replace("'reiki'", "'(reiki)'"), "capturing group"),
        (_GOOD.replace("'reiki'", "'reiki.*'"), "unbounded"),
        (_GOOD.replace('otherwise = "manual-therapy"', 'otherwise = "nowhere"'), "not a technique"),
        (_GOOD.replace('by = ["DC"]', 'by = ["XY"]'), "profession"),
        (_GOOD.replace('id = "naet"', 'id = "reflexology"'), "same id"),
        (_GOOD.replace('id = "naet"', 'id = "naet"\ncolour = 1'), "`colour` is not a key"),
        (_GOOD.replace("elsewhen = ", "elsewhere = "), "`elsewhen` is missing"),
        ("[[technique", "not TOML"),
    ],
)
def test_a_wrong_table_is_refused_with_its_name_and_line(tmp_path: Path, wrong: str, problem: str) -> None:
    path = tmp_path / "techniques.toml"
    path.write_text(wrong, "utf-8")
    with pytest.raises(BadData, match=problem) as refused:
        load_vocabulary(path)
    assert str(refused.value).startswith(f"{path}:")
