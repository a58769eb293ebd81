"""A claim that was written as an 837P, by a writer that shares nothing with the reader, is read as the same claim."""

import io
import warnings
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from random import Random
from string import ascii_uppercase, digits

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from palpate_intake.outcome import ReadClaim
from palpate_intake.reading import read_claims
from palpate_schemas.claim import (
    BillingProvider,
    Claim,
    Patient,
    Payer,
    Performance,
    PriorAuthorization,
    Provider,
    ServiceLine,
)
from palpate_schemas.values import Program
from tests.intake.written_837p import USUAL, Sent, Separators, carried, write_837p
from tests.validator.correct_claims import correct_claim

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import pyx12.params
    import pyx12.x12n_document

CORRECT = [
    Sent(carried(Claim.model_validate(correct_claim(Random(seed)) | {"claim_id": f"C-{seed}"})), f"M{seed}")
    for seed in range(200)
]


def read_again(sent: Sequence[Sent], separators: Separators = USUAL) -> list[ReadClaim]:
    """What the reader makes of what the writer wrote, in the order of the claims."""
    outcomes = list(read_claims(io.BytesIO(write_837p(sent, separators).encode()), "claims.837"))
    read = {outcome.claim.claim_id: outcome for outcome in outcomes if isinstance(outcome, ReadClaim)}
    assert len(read) == len(outcomes) == len(sent), outcomes
    return [read[each.claim.claim_id] for each in sent]


def with_id_of(claim: Claim, read: Claim) -> Claim:
    """The claim under the opaque patient id that the reader made: an account number is not what an 837P carries."""
    return claim.model_copy(update={"patient": claim.patient.model_copy(update={"id": read.patient.id})})


# -- claims over everything that an 837P can say ----------------------------------------------------------------------

_FIRST, _LAST = date(1900, 1, 1), date(2099, 12, 31)
_days = st.dates(_FIRST, _LAST)
_word = st.text(ascii_uppercase + digits + "&'().,-/;?=", min_size=1, max_size=12)
_name = st.lists(_word, min_size=1, max_size=3).map(" ".join)
_npi = st.sampled_from(("1234567893", "1245319599", "1497758544", "1003000126"))
_taxonomy = st.sampled_from(("225100000X", "225X00000X", "111N00000X"))
_number = st.decimals(0, Decimal("99999.99"), places=2)
_diagnosis = st.sampled_from(("M542", "M5450", "M25511", "I890", "S83511D"))
_code = st.text(ascii_uppercase + digits, min_size=5, max_size=5)
_place = st.sampled_from(("11", "12", "02", "22", "31", "99"))

_provider = st.builds(Provider, npi=_npi, name=_name)
_line = st.builds(
    ServiceLine,
    line_number=st.just(1),
    service_date=_days,
    service_date_through=st.none() | _days,
    procedure_code=st.just("97140") | _code,
    modifiers=st.lists(st.text(ascii_uppercase + digits, min_size=2, max_size=2), max_size=4),
    units=st.integers(0, 99).map(Decimal) | st.decimals(0, 99, places=1),
    charge=_number,
    diagnosis_pointers=st.lists(st.integers(1, 12), min_size=1, max_size=4),
    place_of_service=st.none() | _place,
    performed_by=st.lists(st.builds(Performance, npi=_npi), max_size=1),
)


@st.composite
def sent_claims(draw: st.DrawFn) -> Sent:
    """Any claim that fits into an 837P, with what an 837P says besides."""
    claim = draw(
        st.builds(
            Claim,
            claim_id=st.text(ascii_uppercase + digits + "-", min_size=1, max_size=20),
            frequency_code=st.sampled_from(("1", "7", "8")),
            submitted_on=_days,
            payer=st.builds(Payer, id=_word, name=_name, program=st.none() | st.sampled_from(Program)),
            patient=st.builds(
                Patient, id=st.just("any"), birth_date=st.none() | _days, sex=st.sampled_from(("F", "M", "U")),
                death_date=st.none() | _days,
            ),
            billing_provider=st.builds(BillingProvider, npi=_npi, name=_name, taxonomy=st.none() | _taxonomy),
            rendering_provider=st.builds(Provider, npi=_npi, name=_name, taxonomy=st.none() | _taxonomy),
            supervising_provider=st.none() | _provider,
            referring_provider=st.none() | _provider,
            place_of_service=_place,
            prior_authorization=st.none() | st.builds(PriorAuthorization, number=_word),
            diagnoses=st.lists(_diagnosis, min_size=1, max_size=12),
            lines=st.lists(_line, min_size=1, max_size=5),
        )
    )  # fmt: skip
    return Sent(carried(claim), draw(_word), dependent=bool(claim.patient.birth_date) and draw(st.booleans()))


_files = st.lists(sent_claims(), min_size=1, max_size=4, unique_by=lambda sent: sent.claim.claim_id)
_separators = st.builds(
    Separators,
    element=st.sampled_from("*|"),
    component=st.sampled_from(":>\\"),
    terminator=st.sampled_from("~!"),
    line_end=st.sampled_from(("", "\n", "\r\n")),
)


@given(_files, _separators)
@settings(max_examples=60)
def test_any_claim_that_an_837p_can_carry_is_read_as_it_was_written(sent: list[Sent], separators: Separators) -> None:
    for each, read in zip(sent, read_again(sent, separators), strict=True):
        assert read.claim == with_id_of(each.claim, read.claim)
        assert read.structure == ()
        assert read.unmapped.original_reference == (None if each.claim.frequency_code == "1" else "ICN-1")


def test_correct_claims_of_every_payer_and_profession_are_read_as_they_were_written() -> None:
    for each, read in zip(CORRECT, read_again(CORRECT), strict=True):
        assert read.claim == with_id_of(each.claim, read.claim)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_what_is_written_keeps_to_the_implementation_guide() -> None:
    """By pyx12's own maps of it: this test's writer would else be one that only our reader understands."""
    dependents = [Sent(each.claim, each.member, dependent=bool(each.claim.patient.birth_date)) for each in CORRECT[:20]]
    replaced = [Sent(each.claim.model_copy(update={"frequency_code": "7"}), each.member) for each in CORRECT[20:40]]
    answer, errors = io.StringIO(), io.StringIO()
    text = io.StringIO(write_837p([*dependents, *replaced, *CORRECT[40:80]]))
    assert pyx12.x12n_document.x12n_document(pyx12.params.params(), text, answer, None, fd_json=errors), errors


def test_the_same_member_is_the_same_patient_and_another_is_another() -> None:
    claim = CORRECT[0].claim
    of_one, again, of_another = (claim.model_copy(update={"claim_id": name}) for name in ("A", "B", "C"))
    read = read_again([Sent(of_one, "M1"), Sent(again, "M1"), Sent(of_another, "M2")])
    first, second, third = (each.claim.patient.id for each in read)
    assert first == second != third
    assert "M1" not in first


def test_what_an_837p_does_not_carry_is_absent_and_not_made_up() -> None:
    made = (Claim.model_validate(correct_claim(Random(seed))) for seed in range(100))
    sent = next(claim for claim in made if claim.documentation and claim.coverage and claim.lines[0].minutes)
    (read,) = read_again([Sent(carried(sent), "M1")])
    assert (read.claim.documentation, read.claim.coverage, read.claim.therapy_accrual) == (None, None, None)
    assert {line.minutes for line in read.claim.lines} == {None}
