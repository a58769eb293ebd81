"""CQ and CO: how many units an assistant gave, by the examples of the rule book and at every edge of the rule."""

import pytest

from palpate_validator.assistant_units import (
    AssistantUnits,
    more_than_a_tenth,
    over_by_minutes,
    over_by_percent,
    units_of_timed,
    units_of_untimed,
)

# units, therapist, assistant, units with the modifier
EXAMPLES = [
    pytest.param(2, 13, 23, 1, id="PTA 23 and PT 13: CMS scenario 1, 97110"),
    pytest.param(2, 30, 0, 0, id="PT 30 alone: CMS scenario 1, 97140"),
    pytest.param(1, 5, 10, 1, id="PTA 10 and PT 5"),
    pytest.param(1, 5, 6, 1, id="PT 5 and PTA 6"),
    pytest.param(3, 22, 23, 2, id="PT 22 and PTA 23"),
    pytest.param(2, 10, 19, 1, id="PTA 19 and PT 10"),
    pytest.param(2, 12, 14, 1, id="PT 12 and PTA 14"),
    pytest.param(3, 25, 20, 1, id="PT 25 and PTA 20"),
    pytest.param(1, 14, 1, 0, id="PTA 1 and PT 14"),
    pytest.param(1, 7, 2, 1, id="PTA 2 and PT 7"),
    pytest.param(1, 8, 7, 0, id="PTA 7 and PT 8"),
    pytest.param(2, 9, 14, 1, id="leftovers of 9 and 14, the fewest minutes of two units"),
    pytest.param(2, 14, 14, 1, id="leftovers of 14 and 14, the most"),
    pytest.param(1, 0, 15, 1, id="the assistant alone"),
    pytest.param(1, 0, 8, 1, id="the assistant alone, 8 minutes"),
    pytest.param(4, 60, 0, 0, id="the therapist alone"),
    pytest.param(2, 15, 15, 1, id="a full unit each, nothing left"),
    pytest.param(1, 7, 8, 1, id="the therapist one minute short of the midpoint"),
]

BEFORE_THE_MIDPOINT_RULE = [
    pytest.param(1, 8, 7, 1, id="PTA 7 and PT 8"),
    pytest.param(1, 7, 2, 1, id="PTA 2 and PT 7"),
    pytest.param(1, 14, 1, 0, id="PTA 1 and PT 14"),
    pytest.param(2, 13, 23, 2, id="PTA 23 and PT 13"),
]


@pytest.mark.parametrize(("units", "therapist", "assistant", "expected"), EXAMPLES)
def test_units_of_a_timed_code_from_2022(units: int, therapist: int, assistant: int, expected: int) -> None:
    found = units_of_timed(units, therapist, assistant, midpoint=True)
    assert found == AssistantUnits(expected, expected)
    assert found.certain


@pytest.mark.parametrize(("units", "therapist", "assistant", "expected"), BEFORE_THE_MIDPOINT_RULE)
def test_units_of_a_timed_code_in_2020_and_2021(units: int, therapist: int, assistant: int, expected: int) -> None:
    assert units_of_timed(units, therapist, assistant, midpoint=False) == AssistantUnits(expected, expected)


@pytest.mark.parametrize(("total", "first_over"), [(15, 3), (30, 4), (45, 6), (60, 7)])
def test_the_second_way_asks_for_a_tenth_and_one_minute(total: int, first_over: int) -> None:
    assert not over_by_minutes(first_over - 1, total)
    assert over_by_minutes(first_over, total)


@pytest.mark.parametrize(("total", "first_over"), [(10, 2), (15, 2), (30, 4), (45, 5), (60, 7), (100, 11)])
def test_the_first_way_asks_for_eleven_percent_after_rounding(total: int, first_over: int) -> None:
    assert not over_by_percent(first_over - 1, total)
    assert over_by_percent(first_over, total)


@pytest.mark.parametrize(
    ("assistant", "total", "answer"),
    [(5, 45, None), (2, 15, None), (1, 15, False), (3, 15, True), (4, 45, False), (6, 45, True), (0, 15, False)],
)
def test_where_the_two_ways_disagree_there_is_no_answer(assistant: int, total: int, answer: bool | None) -> None:
    assert more_than_a_tenth(assistant, total) is answer


def test_a_last_unit_on_which_the_ways_disagree_is_a_range() -> None:
    assert units_of_timed(1, 13, 2, midpoint=False) == AssistantUnits(0, 1, methods_differ=True)
    assert not units_of_timed(1, 13, 2, midpoint=False).certain


@pytest.mark.parametrize(
    ("therapist", "assistant", "answer"),
    [
        (20, 2, AssistantUnits(0, 0)),
        (40, 5, AssistantUnits(0, 1, methods_differ=True)),
        (17, 3, AssistantUnits(1, 1)),
        (0, 20, AssistantUnits(1, 1)),
    ],
)
def test_an_untimed_service_is_judged_as_a_whole(therapist: int, assistant: int, answer: AssistantUnits) -> None:
    assert units_of_untimed(1, therapist, assistant) == answer


@pytest.mark.parametrize(
    ("units", "therapist", "assistant", "answer"),
    [
        pytest.param(1, 15, 15, AssistantUnits(0, 1), id="fewer units than were worked"),
        pytest.param(2, 20, 30, AssistantUnits(1, 2), id="one unit too few"),
        pytest.param(4, 15, 15, AssistantUnits(1, 3), id="two units more than the minutes reach, nothing left over"),
        pytest.param(6, 16, 16, AssistantUnits(1, 5), id="more units than any minutes reach"),
        pytest.param(2, 3, 14, AssistantUnits(1, 2), id="two units from 3 and 14 minutes"),
        pytest.param(2, 14, 3, AssistantUnits(0, 1), id="two units from 14 and 3 minutes"),
    ],
)
def test_units_that_do_not_follow_from_the_minutes_leave_bounds(
    units: int, therapist: int, assistant: int, answer: AssistantUnits
) -> None:
    assert units_of_timed(units, therapist, assistant, midpoint=True) == answer
