"""The notifier's tables.  They hold cases, never claims: no name, birth date or note is ever in them.

The relationships are there for the order of INSERTs (a case before its timeline); nothing is loaded through them.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
    false,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


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
    version: Mapped[int] = mapped_column(BigInteger)
    judged_at: Mapped[datetime] = mapped_column(Instant)


class CaseRow(Base):
    """One correction case a claim."""

    __tablename__ = "cases"
    __table_args__ = (
        UniqueConstraint("source", "claim_id", name="uq_cases_claim"),
        Index("ix_cases_status", "status", "opened_at"),
        Index("ix_cases_practice", "practice", "status"),
        Index("ix_cases_next_step", "next_step_at"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    reference: Mapped[str] = mapped_column(String(16), unique=True)
    """What people call it, e.g. `K7QX-2M9F`."""
    row_version: Mapped[int] = mapped_column(Integer)
    """Rises with every change that a person can see; who acts on an older one is told so (`actions.Conflict`)."""
    source: Mapped[str] = mapped_column(String(1024))
    claim_id: Mapped[str] = mapped_column(String(64))
    version: Mapped[int] = mapped_column(BigInteger)
    practice: Mapped[str] = mapped_column(String(20))
    rendering_npi: Mapped[str] = mapped_column(String(20))
    payer_id: Mapped[str] = mapped_column(String(64))
    program: Mapped[str | None] = mapped_column(String(32))
    profile: Mapped[str | None] = mapped_column(String(64))
    assignee: Mapped[str] = mapped_column(String(64))
    """Who answers for the case; who mends which findings is in `case_members`."""
    status: Mapped[str] = mapped_column(String(16))
    """A `cases.Status`."""
    rules: Mapped[list[str]] = mapped_column(JSON)
    findings: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    lines: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    service_dates: Mapped[list[str]] = mapped_column(JSON)
    source_event_id: Mapped[str] = mapped_column(String(1024))
    traceparent: Mapped[str | None] = mapped_column(String(128))
    opened_at: Mapped[datetime] = mapped_column(Instant)
    updated_at: Mapped[datetime] = mapped_column(Instant)
    closed_at: Mapped[datetime | None] = mapped_column(Instant)
    due_at: Mapped[datetime] = mapped_column(Instant)
    """The end of the third business day, where the practice is."""
    snoozed_until: Mapped[datetime | None] = mapped_column(Instant)
    """No reminder and no escalation before then."""
    acknowledged_at: Mapped[datetime | None] = mapped_column(Instant)
    mended_at: Mapped[datetime | None] = mapped_column(Instant)
    """When somebody said that it is fixed in their own system; the next passing version closes the case."""
    reminders: Mapped[int] = mapped_column(Integer)
    """How many reminders were given since it was opened."""
    escalations: Mapped[int] = mapped_column(Integer)
    """How far it has gone up: 0 not at all, 1 to whoever covers, 2 to the manager."""
    next_step_at: Mapped[datetime | None] = mapped_column(Instant)
    """When the next reminder or escalation is due; None when there is none."""
    first_reaction_at: Mapped[datetime | None] = mapped_column(Instant)
    """When a person first did anything about it."""

    # Every UPDATE of a loaded row says which version it was made from; one made from an older version fails.
    __mapper_args__ = {"version_id_col": row_version}  # noqa: RUF012 - SQLAlchemy's own way


class CaseMember(Base):
    """Who mends which part of a case: the clinician's, the biller's and the front desk's findings in one case."""

    __tablename__ = "case_members"
    __table_args__ = (Index("ix_case_members_person", "person"),)

    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"), primary_key=True)
    part: Mapped[str] = mapped_column(String(16), primary_key=True)
    """A fixer (`clinician`, `biller`, `front_desk`), or `cover` or `manager` once it was escalated to them."""
    person: Mapped[str] = mapped_column(String(64), primary_key=True)
    case: Mapped[CaseRow] = relationship(lazy="raise")


class CaseEvent(Base):
    """The timeline of a case; rows are only ever added."""

    __tablename__ = "case_events"
    __table_args__ = (Index("ix_case_events_case", "case_id", "id"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"))
    at: Mapped[datetime] = mapped_column(Instant)
    actor: Mapped[str] = mapped_column(String(64))
    """A person of the directory, or `palpate`."""
    what: Mapped[str] = mapped_column(String(40))
    """A `correction.*` step, or what else happened, e.g. `note`, `snoozed`, `told`, `reminded`."""
    version: Mapped[int] = mapped_column(BigInteger)
    detail: Mapped[dict[str, Any]] = mapped_column(JSON)
    case: Mapped[CaseRow] = relationship(lazy="raise")


class Dispute(Base):
    """Somebody says that a rule is wrong about a claim: what a rule's dispute rate is made of."""

    __tablename__ = "disputes"
    __table_args__ = (Index("ix_disputes_rule", "rule", "at"), Index("ix_disputes_case", "case_id"))

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"))
    rule: Mapped[str] = mapped_column(String(64))
    version: Mapped[int] = mapped_column(BigInteger)
    person: Mapped[str] = mapped_column(String(64))
    reason: Mapped[str] = mapped_column(String(32))
    """An `actions.DisputeReason`."""
    comment: Mapped[str] = mapped_column(String(1000))
    """In their own words; it stays here and is never published."""
    at: Mapped[datetime] = mapped_column(Instant)


class Notice(Base):
    """Somebody is to be told something about a case.  Notices whose window is over become one message a person."""

    __tablename__ = "notices"
    __table_args__ = (Index("ix_notices_due", "status", "not_before"), Index("ix_notices_case", "case_id", "status"))

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"))
    person: Mapped[str] = mapped_column(String(64))
    kind: Mapped[str] = mapped_column(String(24))
    """A `notices.Kind`."""
    why: Mapped[str] = mapped_column(String(255))
    """Why it is they, as the message says it: "rendered the service"."""
    detail: Mapped[dict[str, Any]] = mapped_column(JSON)
    channels: Mapped[list[str]] = mapped_column(JSON)
    """The channels that the route names; empty for the person's own."""
    status: Mapped[str] = mapped_column(String(16))
    """A `notices.NoticeStatus`."""
    created_at: Mapped[datetime] = mapped_column(Instant)
    not_before: Mapped[datetime] = mapped_column(Instant)
    """The end of its window: group wait, quiet hours, the morning of a digest."""
    settled_at: Mapped[datetime | None] = mapped_column(Instant)
    case: Mapped[CaseRow] = relationship(lazy="raise")


class Delivery(Base):
    """One message to one address: the outbox."""

    __tablename__ = "deliveries"
    __table_args__ = (
        Index("ix_deliveries_due", "status", "next_attempt_at"),
        Index("ix_deliveries_address", "channel", "address", "created_at"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    channel: Mapped[str] = mapped_column(String(16))
    """`email`, `webhook` or `apprise`."""
    kind: Mapped[str] = mapped_column(String(24))
    """`notice` (corrections, reminders, escalations), `digest` or `undelivered`."""
    person: Mapped[str] = mapped_column(String(64))
    practice: Mapped[str] = mapped_column(String(20))
    """Whose manager is told when it cannot be delivered."""
    address: Mapped[str] = mapped_column(String(1024))
    message_id: Mapped[str] = mapped_column(String(255), unique=True)
    subject: Mapped[str] = mapped_column(String(255))
    text: Mapped[str] = mapped_column(Text)
    """The plain form; for a webhook, its JSON body."""
    html: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(String(16))
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    fence: Mapped[int] = mapped_column(Integer, default=0)
    """Rises with every lease: a sender that lost its lease cannot write its result."""
    resent: Mapped[int] = mapped_column(Integer, default=0)
    """How often it was sent again because nobody knew whether it had arrived; at most once."""
    still_ours: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    """From the lease until it begins to be handed over: a sender that dies in between has sent nothing."""
    deaths: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    """How many senders have died with it in hand."""
    next_attempt_at: Mapped[datetime] = mapped_column(Instant)
    leased_until: Mapped[datetime | None] = mapped_column(Instant)
    last_error: Mapped[str | None] = mapped_column(String(255))
    created_at: Mapped[datetime] = mapped_column(Instant)
    sent_at: Mapped[datetime | None] = mapped_column(Instant)


class DeliveryCase(Base):
    """Which cases a message is about; one message may tell of many."""

    __tablename__ = "delivery_cases"
    __table_args__ = (Index("ix_delivery_cases_case", "case_id"),)

    delivery_id: Mapped[str] = mapped_column(ForeignKey("deliveries.id"), primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"), primary_key=True)
    delivery: Mapped[Delivery] = relationship(lazy="raise")


class Silence(Base):
    """Nobody is told of what matches, until it ends.  The cases are there all the same."""

    __tablename__ = "silences"
    __table_args__ = (Index("ix_silences_ends", "ends_at"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    practice: Mapped[str | None] = mapped_column(String(20))
    person: Mapped[str | None] = mapped_column(String(64))
    rule: Mapped[str | None] = mapped_column(String(64))
    family: Mapped[str | None] = mapped_column(String(64))
    reason: Mapped[str] = mapped_column(String(1000))
    created_by: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(Instant)
    starts_at: Mapped[datetime] = mapped_column(Instant)
    ends_at: Mapped[datetime] = mapped_column(Instant)
    """Every silence ends; ending one early moves this."""


class DisabledChannel(Base):
    """An address that bounced.  That address alone is no longer used; a new one in the directory starts afresh."""

    __tablename__ = "disabled_channels"

    channel: Mapped[str] = mapped_column(String(16), primary_key=True)
    address: Mapped[str] = mapped_column(String(1024), primary_key=True)
    person: Mapped[str] = mapped_column(String(64))
    reason: Mapped[str] = mapped_column(String(255))
    since: Mapped[datetime] = mapped_column(Instant)


class AuditEntry(Base):
    """Who did or saw what.  Rows are only ever added, and each one's hash covers the one before: see `audit`."""

    __tablename__ = "audit"
    __table_args__ = (Index("ix_audit_object", "object"),)

    sequence: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(Instant)
    actor: Mapped[str] = mapped_column(String(64))
    action: Mapped[str] = mapped_column(String(64))
    object: Mapped[str] = mapped_column(String(255))
    """What it was done to, e.g. `case/K7QX-2M9F`."""
    detail: Mapped[dict[str, Any]] = mapped_column(JSON)
    previous_hash: Mapped[str] = mapped_column(String(64), unique=True)
    hash: Mapped[str] = mapped_column(String(64))


class OutgoingEvent(Base):
    """A `corrections` event that is still to be published, or has been."""

    __tablename__ = "outgoing_events"
    __table_args__ = (Index("ix_outgoing_unpublished", "published_at", "position"),)

    position: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    event_id: Mapped[str] = mapped_column(String(36), unique=True)
    body: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(Instant)
    published_at: Mapped[datetime | None] = mapped_column(Instant)


class SignInLink(Base):
    """A link that was mailed to somebody who wants to sign in.  It is kept as a hash: who reads this cannot use it."""

    __tablename__ = "sign_in_links"
    __table_args__ = (Index("ix_sign_in_links_person", "person", "created_at"),)

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    person: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(Instant)
    expires_at: Mapped[datetime] = mapped_column(Instant)
    used_at: Mapped[datetime | None] = mapped_column(Instant)


class SignedIn(Base):
    """Somebody is signed in to the inbox, in one browser.  The cookie's value is kept as a hash."""

    __tablename__ = "signed_in"

    cookie_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    person: Mapped[str] = mapped_column(String(64))
    since: Mapped[datetime] = mapped_column(Instant)
    last_seen_at: Mapped[datetime] = mapped_column(Instant)
