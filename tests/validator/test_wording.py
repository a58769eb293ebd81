"""The words that people read, held to the practice of compliant queries.

A finding gives facts and, where clinical judgement decides, asks an open question.  It never leads to an answer, never
speaks of money to a clinician, and never shows what is the patient's alone.
"""

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest

from palpate_schemas.claim import Claim
from palpate_schemas.finding import Finding
from palpate_schemas.values import Fixer, Outcome, Severity
from palpate_validator.book import shipped_rule_book
from palpate_validator.catalogue import catalogue
from palpate_validator.engine import judge
from tests.validator.claims import claim_with
from tests.validator.test_rule_cases import RULE_IDS, answer, book_with, cases_of

CANARY = "Zaphodcanary"
"""A word of no language, put wherever a claim may hold what is the patient's or the clinician's own."""


@dataclass(frozen=True)
class Heard:
    """What one case of one rule made the whole rule book say."""

    rule_id: str
    case: dict[str, Any]
    claim: dict[str, Any]
    findings: tuple[Finding, ...]

    @property
    def own(self) -> list[Finding]:
        return [finding for finding in self.findings if finding.rule == self.rule_id]


def marked(claim: dict[str, Any]) -> dict[str, Any]:
    """The claim with a canary in every name, and after every free text that it has."""
    claim["patient"] |= {"name": CANARY, "id": CANARY}
    people = ["billing_provider", "rendering_provider", "supervising_provider", "referring_provider"]
    for person in filter(None, map(claim.get, people)):
        person["name"] = CANARY
    for note in claim.get("documentation") or ():
        for text in ("text", "response", "medical_necessity", "restricted_motion", "goals"):
            if note.get(text):
                note[text] += f" {CANARY}."
        for person in (note.get("clinician"), note.get("signed_by")):
            if person and person.get("name"):
                person["name"] = f"{CANARY} {person['name']}"
    return claim


@cache
def heard() -> tuple[Heard, ...]:
    """Every case of every rule, judged once, with canaries."""
    shorthand = ("lines", "date", "payer", "claim", "note", "notes")
    every: list[Heard] = []
    for rule_id in RULE_IDS:
        for case in cases_of(rule_id):
            sent = marked(claim_with(**{key: case[key] for key in shorthand if key in case}))
            claim = Claim.model_validate(sent)
            book = book_with(case.get("settings", {}), shipped_rule_book().profiles.for_payer(claim.payer))
            every.append(Heard(rule_id, case, sent, judge(claim, claim.submitted_on, book).findings))
    return tuple(every)


@cache
def findings() -> tuple[Finding, ...]:
    """Each different thing that the rule book says."""
    every = {(f.rule, f.outcome, f.message, f.remedy): f for each in heard() for f in each.findings}
    return tuple(every.values())


@cache
def texts(*, clinician: bool = False) -> dict[str, str]:
    """Every title, remedy and message, each with the rule it is of; those for a clinician alone if so asked."""
    said = {}
    for each in catalogue():
        if not clinician or each.header.fixer is Fixer.CLINICIAN:
            said[each.title] = said[each.header.remedy] = each.id
    for finding in findings():
        if not clinician or finding.fixer is Fixer.CLINICIAN:
            said[finding.title] = said[finding.message] = said[finding.remedy] = finding.rule
    return said


def those(pattern: str, said: dict[str, str], *, but: str | None = None) -> dict[str, str]:
    """The texts that hold a pattern, by text, each with its rule."""
    holds = re.compile(pattern, re.IGNORECASE)
    allowed = None if but is None else re.compile(but)
    return {
        text: rule_id
        for text, rule_id in said.items()
        if holds.search(text) and not (allowed is not None and allowed.search(text))
    }


def test_the_cases_make_every_rule_speak() -> None:
    spoken = {f.rule for f in findings() if f.outcome is Outcome.VIOLATED}
    assert spoken == set(RULE_IDS)


def test_names_and_more_words_in_a_note_change_no_answer() -> None:
    others = [each for each in heard() if each.rule_id != "doc-cloned"]  # which counts a note's words
    changed = [f"{each.rule_id}: {each.case['it']}" for each in others if answer(each.own) != each.case["expect"]]
    assert changed == []


# -- nothing of the patient's ----------------------------------------------------------------------------------------


def test_no_finding_shows_what_is_the_patient_s_or_a_note_s_own_words() -> None:
    leaks = {f.rule for each in heard() for f in each.findings if CANARY.lower() in f.model_dump_json().lower()}
    assert leaks == set()


def test_no_finding_shows_a_date_of_birth_or_death() -> None:
    leaks = set()
    for each in heard():
        patient = each.claim["patient"]
        private = {patient.get("birth_date"), patient.get("death_date")} - {None}
        private -= {line["service_date"] for line in each.claim["lines"]}
        leaks |= {f.rule for f in each.findings if any(day in f.model_dump_json() for day in private)}
    assert leaks == set()


# -- nothing of money to a clinician ---------------------------------------------------------------------------------

MONEY = (
    r"\b(pay|pays|paid|payable|payments?|money|dollars?|cents?|revenues?|reimburs\w*|den(y|ies|ied|ials?)|refund\w*"
    r"|costs?|fees?|prices?|profits?|charg(e|es|ed)|amounts?|allowed (this|in the) year)\b|\$|(?<![A-Z\d.])\d+\.\d\d\b"
)


def test_a_clinician_reads_of_no_money() -> None:
    # What is missing is told to who sends the claims.
    missing = {f.message for f in findings() if f.outcome is Outcome.UNDETERMINED}
    said = {text: rule_id for text, rule_id in texts(clinician=True).items() if text not in missing}
    assert those(MONEY, said, but=r"^Send lines/charge with the claim event\.$") == {}


@pytest.mark.parametrize(
    "text", ["Medicare pays more for it.", "It would be denied.", "45.00 was allowed this year.", "It costs $4."]
)
def test_words_of_money_are_found(text: str) -> None:
    assert those(MONEY, {text: "a-rule"})


def test_codes_and_payers_are_no_words_of_money() -> None:
    assert those(MONEY, {"The payer reads M54.50 and 2 of 15 minutes.": "a-rule"}) == {}


# -- nothing that leads to an answer ---------------------------------------------------------------------------------

LEADING = (
    r"\b(document (that|why|how|the)|write down|write that|(?<!on )record (that|the|why)|(?<!a )note that|chart that"
    r"|state (that|why)|add to (the|your) note|make sure (that )?(the|your) (note|record)"
    r"|the note (should|must|needs to)|in order to|so that (it|the claim)|to get (it )?(paid|through)"
    r"|support(s)? medical necessity)\b"
)


def test_no_text_says_what_to_put_into_a_note() -> None:
    assert those(LEADING, texts()) == {}


def test_no_page_says_under_how_to_fix_it_what_to_put_into_a_note() -> None:
    fixes = {each.page.partition("## How to fix")[2].partition("## Example")[0]: each.id for each in catalogue()}
    assert those(LEADING, {" ".join(text.split()): rule_id for text, rule_id in fixes.items()}) == {}


@pytest.mark.parametrize(
    "text",
    [
        "Document that the joint was stiff.",
        "Write down why skill was needed.",
        "Add to the note that rotation improved.",
        "Make sure that the note shows progress.",
    ],
)
def test_words_that_lead_are_found(text: str) -> None:
    assert those(LEADING, {text: "a-rule"})


CLAIMS_A_FACT = r"\b(59|X[EPSU]|KX|CQ|CO)\b"
"""Modifiers that say something only a clinician knows: apart, necessary, by an assistant."""


def test_no_patch_adds_a_modifier_that_says_a_clinical_fact() -> None:
    patches = [(each.claim, f) for each in heard() for f in each.findings if f.patch]
    assert patches
    adding = set()
    for claim, finding in patches:
        had = [set(line.get("modifiers", ())) for line in claim["lines"]]
        for step in finding.patch or ():
            on_line = re.match(r"/lines/(\d+)/modifiers", step.path)
            if on_line and step.op in {"add", "replace"}:
                new = {step.value} if isinstance(step.value, str) else set(step.value or ())
                new -= had[int(on_line[1])]
                adding |= {finding.rule for modifier in new if re.fullmatch(CLAIMS_A_FACT, modifier)}
    assert adding == set()


ADDS = rf"\b(add|adds|append|put|bill|bills|use|with)\b[^.;,]*{CLAIMS_A_FACT}"
ASKS_FIRST = r"^(Say|Confirm) wh(ether|o)\b"


def test_a_remedy_that_adds_such_a_modifier_asks_for_the_fact_first() -> None:
    remedies = {f.remedy: f.rule for f in findings()} | {each.header.remedy: each.id for each in catalogue()}
    assert those(ADDS, remedies), "some remedies speak of them"
    assert those(ADDS, remedies, but=ASKS_FIRST) == {}


def test_a_clinician_is_asked_directly() -> None:
    said = {f.remedy: f.rule for f in findings() if f.fixer is Fixer.CLINICIAN}
    assert those(r"\bask the clinician\b", said) == {}


def test_a_question_is_not_answered_beforehand() -> None:
    questions = {q: r for text, r in texts().items() for q in re.findall(r"[^.?!:]+\?", text)}
    assert questions
    assert those(r"\b(isn't|wasn't|weren't|didn't|surely|of course)\?$", questions) == {}


# -- plain words -----------------------------------------------------------------------------------------------------


def test_every_text_is_in_whole_sentences() -> None:
    said = texts()
    titles = {each.title for each in catalogue()}
    assert [text for text in said if text not in titles and not text.endswith((".", "?"))] == []
    assert [text for text in said if not re.match(r"[A-Z0-9]", text)] == []


def test_no_text_shows_the_inside_of_a_program() -> None:
    assert (
        those(r"\b(?-i:None)\b|\bDecimal\(|\bdate\(|[{}<>\[\]]|frozenset|  |\.\.|\btraceback\b|\bnull\b", texts()) == {}
    )


def test_one_is_not_spoken_of_as_many() -> None:
    units = "units|minutes|days|visits|lines|patients|diagnoses|pointers"
    assert those(rf"(?<!of )(?<![\d.-])\b1 ({units})\b|\b[02-9] (unit|minute|day|visit)\b", texts()) == {}


def test_a_and_an_fit_their_words() -> None:
    assert those(r"(?<![\w.])(?-i:a) (?!one\b|u[nst]|eu)[aeiou]\w|\ba (?-i:OT|OTA|MD|NP|AT|SLP)\b", texts()) == {}


def test_a_message_fits_a_telephone() -> None:
    assert [f.message for f in findings() if len(f.message) > 320] == []
    assert [f.remedy for f in findings() if len(f.remedy) > 220] == []


# -- the words of others ---------------------------------------------------------------------------------------------

AMA = r"\((eg|ie)[,;)]|\beach (additional )?15 minutes\b|\b(1|one) or more (regions|areas)\b|; (initial|subsequent)\b"
"""How the AMA's descriptors are put together.  They are not ours to repeat; code numbers and our own words are."""


def test_no_text_or_page_is_in_the_words_of_a_cpt_descriptor() -> None:
    all_pages = {" ".join(each.page.split()): each.id for each in catalogue()}
    assert set(those(AMA, texts() | all_pages).values()) == set()


# -- cannot tell -----------------------------------------------------------------------------------------------------


def test_what_cannot_be_told_names_the_fact_and_is_no_fault() -> None:
    open_ones = [f for f in findings() if f.outcome is Outcome.UNDETERMINED]
    assert open_ones
    assert {f.rule for f in open_ones if not f.needs or f.severity is not Severity.INFO or f.denial or f.patch} == set()


def test_what_cannot_be_told_is_asked_of_who_can_say_it() -> None:
    remedies = {f.needs: f.remedy for f in findings() if f.outcome is Outcome.UNDETERMINED}
    inside = ("payer profile: ", "parameter: ", "table: ", "rule: ")
    of_the_book = {needs: remedy for needs, remedy in remedies.items() if (needs or "").startswith(inside)}
    assert of_the_book
    assert [remedy for remedy in of_the_book.values() if "claim event" in remedy] == []
