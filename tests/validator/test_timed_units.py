"""Minutes become units: the manual's own examples by hand, and any minutes against an oracle that tries everything."""

from collections.abc import Mapping
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from palpate_schemas.claim import Claim
from palpate_schemas.finding import Finding
from palpate_validator.book import shipped_rule_book
from palpate_validator.engine import judge
from palpate_validator.timed_units import allocate, full_units, service_of, units_past_midpoint
from tests.validator.claims import claim_with

CODES = ["97110", "97112", "97116", "97140", "97530"]
Minutes = Mapping[str, int]
Units = dict[str, int]


def acceptable(minutes: Minutes) -> list[Units]:
    """Every acceptable way, by trying all: the chapter's steps as written (§20.2.C), with each tie broken every way."""
    total = sum(minutes.values())
    allowed = next(units for units in range(200) if total < 8 + 15 * units)
    choices = [(spent // 15, spent // 15 + 1) for spent in minutes.values()]
    found = []
    for way in product(*choices):
        given_more = [spent % 15 for spent, units in zip(minutes.values(), way, strict=True) if units > spent // 15]
        kept_back = [spent % 15 for spent, units in zip(minutes.values(), way, strict=True) if units == spent // 15]
        by_the_larger_rest = min(given_more, default=15) >= max(kept_back, default=0)
        if sum(way) == allowed and 0 not in given_more and by_the_larger_rest:
            found.append({c: units for c, units in zip(minutes, way, strict=True) if units})
    return found


# -- the manual's worked examples (1-5, B), then the CMS/AMA table of the rule book -----------------------------------

EXAMPLES: list[tuple[Units, list[Units]]] = [
    ({"97112": 24, "97110": 23}, [{"97112": 2, "97110": 1}]),
    ({"97112": 20, "97110": 20}, [{"97112": 2, "97110": 1}, {"97112": 1, "97110": 2}]),
    ({"97110": 33, "97140": 7}, [{"97110": 2, "97140": 1}]),
    ({"97110": 18, "97140": 13, "97116": 10, "97035": 8}, [{"97110": 1, "97140": 1, "97116": 1}]),
    ({"97112": 7, "97110": 7, "97140": 7}, [{"97112": 1}, {"97110": 1}, {"97140": 1}]),
    ({"97530": 60}, [{"97530": 4}]),
]


@pytest.mark.parametrize(("minutes", "ways"), EXAMPLES, ids=["1", "2", "3", "4", "5", "B"])
def test_a_worked_example_of_the_manual(minutes: Units, ways: list[Units]) -> None:
    assert sorted(allocate(minutes).each(), key=str) == sorted((dict(sorted(w.items())) for w in ways), key=str)


CMS_AND_AMA: list[tuple[Units, int, int]] = [
    ({"97110": 24, "97112": 23}, 3, 4),
    ({"97110": 20, "97112": 20}, 3, 2),
    ({"97110": 33, "97140": 7}, 3, 2),
    ({"97110": 18, "97140": 13, "97116": 10, "97035": 8}, 3, 4),
    ({"97110": 7, "97112": 7, "97140": 7}, 1, 0),
    ({"97110": 8, "97140": 8}, 1, 2),
    ({"97110": 7, "97140": 7}, 1, 0),
    ({"97110": 23, "97140": 10}, 2, 3),
    ({"97110": 23, "97140": 8}, 2, 3),
    ({"97110": 20, "97140": 18}, 3, 2),
    ({"97110": 30, "97140": 15, "97035": 8}, 4, 4),
    ({"97140": 22, "97110": 22}, 3, 2),
]


@pytest.mark.parametrize(("minutes", "pooled", "alone"), CMS_AND_AMA)
def test_the_two_ways_of_counting_differ_as_published(minutes: Units, pooled: int, alone: int) -> None:
    assert allocate(minutes).units == pooled
    assert sum(units_past_midpoint(spent) for spent in minutes.values()) == alone


def test_where_two_services_tie_either_may_have_the_unit() -> None:
    assert list(allocate({"97110": 23, "97140": 8}).each()) == [{"97110": 2}, {"97110": 1, "97140": 1}]


@pytest.mark.parametrize(
    ("minutes", "units"),
    [
        *[(0, 0), (7, 0), (8, 1), (22, 1), (23, 2), (37, 2), (38, 3), (52, 3), (53, 4), (67, 4), (68, 5), (82, 5)],
        *[(83, 6), (97, 6), (98, 7), (112, 7), (113, 8), (127, 8), (128, 9)],
    ],
)
def test_the_manuals_table_of_minutes(minutes: int, units: int) -> None:
    assert allocate({"97140": minutes}).units == units
    assert units_past_midpoint(minutes) == units


@pytest.mark.parametrize(("minutes", "units"), [(0, 0), (14, 0), (15, 1), (29, 1), (30, 2)])
def test_full_quarters_of_an_hour(minutes: int, units: int) -> None:
    assert full_units(minutes) == units


def test_the_cognitive_pair_is_one_service() -> None:
    assert service_of("97129") == service_of("97130") != service_of("97140")


def test_the_ways_are_written_for_a_biller() -> None:
    tie = allocate({"97112": 20, "97140": 20})
    assert tie.in_words() == "97112 x2 + 97140 x1 or 97112 x1 + 97140 x2"
    assert tie.only is None
    assert allocate({"97140": 7}).in_words() == "no units"


# -- any minutes, against the oracle ----------------------------------------------------------------------------------

ANY_MINUTES = st.dictionaries(st.sampled_from(CODES), st.integers(0, 70), min_size=1)
# Few distinct rests, so that ties are common.
TIED_MINUTES = st.dictionaries(st.sampled_from(CODES), st.sampled_from([7, 8, 15, 20, 22, 23]), min_size=1)


@given(ANY_MINUTES | TIED_MINUTES)
def test_the_acceptable_ways_are_those_of_the_oracle(minutes: Units) -> None:
    allocation = allocate(minutes)
    ways, oracle = list(allocation.each()), acceptable(minutes)
    assert sorted(map(sorted, (w.items() for w in ways))) == sorted(map(sorted, (w.items() for w in oracle)))
    assert allocation.ways == len(ways)


@given(ANY_MINUTES | TIED_MINUTES, st.data())
def test_what_is_billed_is_accepted_as_the_oracle_says(minutes: Units, data: st.DataObject) -> None:
    allocation, oracle = allocate(minutes), acceptable(minutes)
    near = {c: data.draw(st.integers(max(0, spent // 15 - 1), spent // 15 + 2)) for c, spent in minutes.items()}
    billed = {code: units for code, units in near.items() if units}
    assert allocation.accepts(billed) == (billed in oracle)
    assert allocation.covers(billed) == any(all(u <= w.get(c, 0) for c, u in billed.items()) for w in oracle)
    assert allocation.lies_within(billed) == any(all(u <= billed.get(c, 0) for c, u in w.items()) for w in oracle)


@given(ANY_MINUTES | TIED_MINUTES)
def test_the_bounds_of_a_service_are_those_of_the_oracle(minutes: Units) -> None:
    allocation, oracle = allocate(minutes), acceptable(minutes)
    for code in minutes:
        assert allocation.most(code) == max(way.get(code, 0) for way in oracle)
        assert allocation.least(code) == min(way.get(code, 0) for way in oracle)


def test_many_tied_services_are_no_more_work_than_few() -> None:
    allocation = allocate({f"{code:05}": 8 for code in range(60)})
    assert allocation.units == 32
    assert allocation.ways > 10**16
    assert allocation.in_words().endswith("more ways like these")
    assert allocation.accepts({f"{code:05}": 1 for code in range(32)})
    assert not allocation.accepts({f"{code:05}": 1 for code in range(33)})


# -- whole claims -----------------------------------------------------------------------------------------------------

FAMILIES = {"units", "caps"}
OURS = {rule.id for rule in shipped_rule_book().rules if rule.family in FAMILIES}
LINE = st.fixed_dictionaries(
    {
        "procedure_code": st.sampled_from(["97110", "97112", "97140"]),
        "minutes": st.integers(0, 50) | st.none(),
        "units": st.sampled_from([0, 1, 1, 2, 2, 3, 4, 1.5]),
        "modifiers": st.sampled_from([["GP"], ["GP"], ["GP", "CQ"], ["GP", "59"], ["GO"], []]),
    }
)
CLAIM = st.fixed_dictionaries(
    {
        "lines": st.lists(LINE, min_size=1, max_size=5).map(lambda lines: [{"minutes": 15}, *lines]),
        "payer": st.sampled_from(["medicare-part-b", "commercial-ama", "commercial-unknown"]).map(
            lambda profile: {"profile": profile}
        ),
        "note": st.sampled_from([{}, {"service_minutes": None}, {"service_minutes": None, "total_timed_minutes": 40}]),
    }
)


def our_findings(claim: dict[str, Any]) -> list[Finding]:
    parsed = Claim.model_validate(claim)
    judgement = judge(parsed, parsed.submitted_on, shipped_rule_book())
    assert not judgement.failures
    return [finding for finding in judgement.findings if finding.rule in OURS]


def told(findings: list[Finding]) -> list[tuple[str, str, str]]:
    """What findings say, without where in the claim's JSON the lines stand."""
    return sorted((f.rule, f.message, repr((f.line_number, f.severity, sorted(f.evidence.items())))) for f in findings)


@given(CLAIM, st.randoms(use_true_random=False))
@settings(max_examples=150, deadline=None)
def test_the_order_of_lines_does_not_matter(changes: dict[str, Any], random: Any) -> None:
    claim = claim_with(**changes)
    shuffled = {**claim, "lines": random.sample(claim["lines"], len(claim["lines"]))}
    assert told(our_findings(shuffled)) == told(our_findings(claim))


@given(CLAIM, st.sampled_from(["99213", "97161", "A4450"]))
@settings(max_examples=150, deadline=None)
def test_an_unrelated_line_changes_no_finding(changes: dict[str, Any], code: str) -> None:
    claim = claim_with(**changes)
    number = len(claim["lines"]) + 1
    extra = {"line_number": number, "service_date": "2025-03-03", "procedure_code": code, "units": 1}
    assert told(our_findings({**claim, "lines": [*claim["lines"], extra]})) == told(our_findings(claim))


@given(CLAIM)
@settings(max_examples=150, deadline=None)
def test_the_units_of_one_day_have_one_fault_of_the_total(changes: dict[str, Any]) -> None:
    rules = {f.rule for f in our_findings(claim_with(**changes)) if f.outcome == "violated"}
    assert not {"units-total-over", "units-line-wrong-code"} <= rules or _two_plans(changes)
    assert not {"units-total-over", "units-under-8-total"} <= rules or _two_plans(changes)


def _two_plans(changes: dict[str, Any]) -> bool:
    return any("GO" in line.get("modifiers", ()) for line in changes["lines"])


@given(minutes=st.dictionaries(st.sampled_from(CODES), st.integers(1, 60), min_size=1, max_size=4))
@settings(max_examples=100, deadline=None)
def test_every_acceptable_way_is_a_claim_without_a_fault_of_units(minutes: Units) -> None:
    for way in acceptable(minutes):
        lines = [{"procedure_code": code, "minutes": minutes[code], "units": units} for code, units in way.items()]
        note = {
            "service_minutes": minutes,
            "total_timed_minutes": sum(minutes.values()),
            "total_treatment_minutes": sum(minutes.values()),
        }
        if lines:
            found = our_findings(claim_with(lines=lines, note=note))
            assert not [f for f in found if f.rule.startswith("units-")]
