"""The events on `corrections`: what the notifier says of its cases to the practice-management system."""

import uuid
from collections.abc import Iterable
from datetime import datetime

from palpate_notifier.cases import Step
from palpate_notifier.tables import CaseRow, OutgoingEvent
from palpate_runtime import metrics
from palpate_schemas.correction import CorrectionStep
from palpate_schemas.events import SCHEMA_URI, CorrectionEvent

SOURCE = "urn:palpate:notifier"


def step_event(
    case: CaseRow, step: Step, now: datetime, *, reason: str | None = None, rules: Iterable[str] | None = None
) -> OutgoingEvent:
    """One step of a case, to be added in the transaction that takes it.

    Args:
        case: The case after the step.
        step: What happened.
        now: When.
        reason: A word of ours, never what somebody typed: the stream holds no PHI.
        rules: The rules that it is about; by default those whose errors are open.
    """
    open_rules = () if step in {Step.RESOLVED, Step.CANCELLED} else tuple(case.rules)
    event_id = str(uuid.uuid4())
    event = CorrectionEvent(
        specversion="1.0",
        id=event_id,
        source=SOURCE,
        type=step.value,
        subject=case.claim_id,
        time=now,
        dataschema=SCHEMA_URI.format(type=step.value),
        traceparent=case.traceparent,
        data=CorrectionStep.model_validate(
            {
                "case_id": case.id,
                "claim_id": case.claim_id,
                "version": case.version,
                "practice": case.practice,
                "rendering_npi": case.rendering_npi,
                "source_event": {"source": case.source, "id": case.source_event_id},
                "at": now,
                "assignee": case.assignee,
                "reason": reason,
                "rules": open_rules if rules is None else tuple(rules),
            }
        ),
    )
    metrics.CASES.labels(step).inc()
    return OutgoingEvent(
        event_id=event_id, body=event.model_dump_json(exclude_none=True), created_at=now, published_at=None
    )
