"""The notifier's tables.  They hold cases, never claims: no name, birth date or note is ever in them."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Instant(TypeDecorator[datetime]):
    """An aware instant, kept in UTC; SQLite has no time zones of its own."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        return None if value is None else value.replace(tzinfo=UTC) if value.tzinfo is None else value


class Base(DeclarativeBase):
    """All tables."""


class ClaimHead(Base):
    """The last verdict that counted for each claim, passed ones too.

    `claims.passed` and `claims.failed` are two streams: a pass of version 2 can be read before the fail of version 1,
    which must then open nothing.
    """

    __tablename__ = "claim_heads"

    source: Mapped[str] = mapped_column(String(1024), primary_key=True)
    claim_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    version: Mapped[int] = mapped_column(Integer)
    judged_at: Mapped[datetime] = mapped_column(Instant)


class CaseRow(Base):
    """One correction case a claim."""

    __tablename__ = "cases"
    __table_args__ = (
        UniqueConstraint("source", "claim_id", name="uq_cases_claim"),
        Index("ix_cases_status", "status", "opened_at"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    reference: Mapped[str] = mapped_column(String(16), unique=True)
    """What people call it, e.g. `K7QX-2M9F`."""
    source: Mapped[str] = mapped_column(String(1024))
    claim_id: Mapped[str] = mapped_column(String(64))
    version: Mapped[int] = mapped_column(Integer)
    practice: Mapped[str] = mapped_column(String(20))
    rendering_npi: Mapped[str] = mapped_column(String(20))
    payer_id: Mapped[str] = mapped_column(String(64))
    assignee: Mapped[str] = mapped_column(String(64))
    status: Mapped[str] = mapped_column(String(16))
    rules: Mapped[list[str]] = mapped_column(JSON)
    findings: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    lines: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    service_dates: Mapped[list[str]] = mapped_column(JSON)
    source_event_id: Mapped[str] = mapped_column(String(1024))
    traceparent: Mapped[str | None] = mapped_column(String(128))
    opened_at: Mapped[datetime] = mapped_column(Instant)
    updated_at: Mapped[datetime] = mapped_column(Instant)
    closed_at: Mapped[datetime | None] = mapped_column(Instant)


class CaseEvent(Base):
    """The timeline of a case; rows are only ever added."""

    __tablename__ = "case_events"
    __table_args__ = (Index("ix_case_events_case", "case_id", "id"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"))
    at: Mapped[datetime] = mapped_column(Instant)
    what: Mapped[str] = mapped_column(String(40))
    version: Mapped[int] = mapped_column(Integer)
    detail: Mapped[dict[str, Any]] = mapped_column(JSON)


class Delivery(Base):
    """One message to one person: the outbox."""

    __tablename__ = "deliveries"
    __table_args__ = (Index("ix_deliveries_due", "status", "next_attempt_at"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"))
    channel: Mapped[str] = mapped_column(String(16))
    person: Mapped[str] = mapped_column(String(64))
    address: Mapped[str] = mapped_column(String(254))
    message_id: Mapped[str] = mapped_column(String(255), unique=True)
    subject: Mapped[str] = mapped_column(String(255))
    text: Mapped[str] = mapped_column(Text)
    html: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(String(16))
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    fence: Mapped[int] = mapped_column(Integer, default=0)
    """Rises with every lease: a sender that lost its lease cannot write its result."""
    resent: Mapped[int] = mapped_column(Integer, default=0)
    """How often it was sent again because nobody knew whether it had arrived; at most once."""
    next_attempt_at: Mapped[datetime] = mapped_column(Instant)
    leased_until: Mapped[datetime | None] = mapped_column(Instant)
    last_error: Mapped[str | None] = mapped_column(String(255))
    created_at: Mapped[datetime] = mapped_column(Instant)
    sent_at: Mapped[datetime | None] = mapped_column(Instant)


class OutgoingEvent(Base):
    """A `corrections` event that is still to be published, or has been."""

    __tablename__ = "outgoing_events"
    __table_args__ = (Index("ix_outgoing_unpublished", "published_at", "position"),)

    position: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    event_id: Mapped[str] = mapped_column(String(36), unique=True)
    body: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(Instant)
    published_at: Mapped[datetime | None] = mapped_column(Instant)
