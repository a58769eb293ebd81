"""What a verdict does to a case."""

from datetime import UTC, datetime, timedelta

import pytest

from palpate_notifier.cases import Change, Head, Standing, Status, Step, change
from palpate_schemas.verdict import ClaimVerdict
from tests.notifier.verdicts import FIRST, failed, passed, voided


def standing(*rules: str, status: Status = Status.OPEN) -> Standing:
    return Standing(status, frozenset(rules))


def test_a_first_failure_opens_a_case_and_tells() -> None:
    assert change(None, failed("units-total-over")) == Change(
        Status.OPEN, Step.REQUESTED, tell=True, still=frozenset(), new=frozenset({"units-total-over"})
    )


def test_a_pass_closes_an_open_case() -> None:
    assert change(standing("units-total-over"), passed()) == Change(Status.RESOLVED, Step.RESOLVED, tell=False)


def test_a_pass_without_a_case_changes_nothing() -> None:
    assert change(None, passed()) is None


def test_a_pass_after_the_case_is_closed_changes_nothing() -> None:
    assert change(standing(status=Status.RESOLVED), passed()) is None


def test_a_void_cancels_an_open_case() -> None:
    assert change(standing("units-total-over"), voided()) == Change(Status.CANCELLED, Step.CANCELLED, tell=False)


def test_a_version_that_still_fails_says_what_is_left_and_what_is_new() -> None:
    found = change(standing("units-total-over", "mod-25-on-97140"), failed("units-total-over", "mod-gn"))
    assert found == Change(
        Status.OPEN, Step.REQUESTED, tell=True, still=frozenset({"units-total-over"}), new=frozenset({"mod-gn"})
    )


def test_the_same_faults_again_tell_nobody_twice() -> None:
    found = change(standing("units-total-over"), failed("units-total-over"))
    assert found is not None
    assert (found.step, found.tell) == (None, False)


def test_what_somebody_has_in_hand_stays_in_hand_when_it_is_judged_again() -> None:
    found = change(standing("units-total-over", status=Status.ACKNOWLEDGED), failed("units-total-over"))
    assert found is not None
    assert (found.status, found.tell) == (Status.ACKNOWLEDGED, False)


def test_a_newer_version_with_the_same_faults_is_told() -> None:
    found = change(standing("units-total-over", status=Status.ACKNOWLEDGED), failed("units-total-over", version=2))
    assert found is not None
    assert (found.status, found.step, found.tell) == (Status.OPEN, Step.REQUESTED, True)
    assert found.still == {"units-total-over"}


@pytest.mark.parametrize("status", [Status.ACKNOWLEDGED, Status.DISPUTED, Status.ESCALATED])
def test_a_pass_closes_a_case_wherever_it_stands(status: Status) -> None:
    found = change(standing("units-total-over", status=status), passed(version=2))
    assert found == Change(Status.RESOLVED, Step.RESOLVED, tell=False)


def test_a_failure_after_the_case_was_closed_opens_it_again() -> None:
    found = change(standing("units-total-over", status=Status.RESOLVED), failed("units-total-over"))
    assert found is not None
    assert (found.status, found.step, found.tell) == (Status.OPEN, Step.REQUESTED, True)
    assert found.new == {"units-total-over"}


def test_a_warning_is_no_reason_to_correct() -> None:
    verdict = failed("units-total-over")
    warning = verdict.findings[0].model_copy(update={"severity": "warning", "rule": "units-underbilled"})
    found = change(None, verdict.model_copy(update={"findings": (*verdict.findings, warning)}))
    assert found is not None
    assert found.new == {"units-total-over"}


def _head(version: int, seconds: int) -> Head:
    return Head(version, FIRST + timedelta(seconds=seconds))


def _verdict(version: int, seconds: int) -> ClaimVerdict:
    return passed(version=version).model_copy(update={"judged_at": FIRST + timedelta(seconds=seconds)})


def test_only_a_newer_version_or_a_later_judgement_is_news() -> None:
    assert _head(1, 0).is_older_than(_verdict(2, 0))
    assert _head(1, 0).is_older_than(_verdict(1, 1))
    assert not _head(1, 0).is_older_than(_verdict(1, 0))
    assert not _head(2, 0).is_older_than(_verdict(1, 5))
    assert datetime(2026, 11, 24, 12, 0, tzinfo=UTC) == FIRST
