"""Cases that people work on: versions of a row, who mends what, disputes, notices, silences, and the audit."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _cases()
    _case_events()
    _deliveries()
    _new_tables()
    _audit_is_append_only()


def _cases() -> None:
    with op.batch_alter_table("cases", schema=None) as cases:
        cases.add_column(sa.Column("row_version", sa.Integer(), nullable=False, server_default="1"))
        cases.add_column(sa.Column("program", sa.String(length=32), nullable=True))
        cases.add_column(sa.Column("profile", sa.String(length=64), nullable=True))
        cases.add_column(sa.Column("due_at", INSTANT, nullable=True))
        for name in ("snoozed_until", "acknowledged_at", "mended_at", "next_step_at", "first_reaction_at"):
            cases.add_column(sa.Column(name, INSTANT, nullable=True))
        for name in ("reminders", "escalations"):
            cases.add_column(sa.Column(name, sa.Integer(), nullable=False, server_default="0"))
        cases.create_index("ix_cases_practice", ["practice", "status"], unique=False)
        cases.create_index("ix_cases_next_step", ["next_step_at"], unique=False)
    # A case from before there was a due date is due when it was opened: it is the first that is looked at.
    op.execute("UPDATE cases SET due_at = opened_at")
    op.execute("UPDATE cases SET next_step_at = opened_at WHERE status = 'open'")
    with op.batch_alter_table("cases", schema=None) as cases:
        cases.alter_column("due_at", existing_type=INSTANT, nullable=False)
    op.create_table(
        "case_members",
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("part", sa.String(length=16), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"]),
        sa.PrimaryKeyConstraint("case_id", "part", "person"),
    )
    op.create_index("ix_case_members_person", "case_members", ["person"], unique=False)
    op.execute("INSERT INTO case_members (case_id, part, person) SELECT id, 'clinician', assignee FROM cases")


def _case_events() -> None:
    with op.batch_alter_table("case_events", schema=None) as case_events:
        case_events.add_column(sa.Column("actor", sa.String(length=64), nullable=False, server_default="palpate"))


def _deliveries() -> None:
    op.create_table(
        "delivery_cases",
        sa.Column("delivery_id", sa.String(length=36), nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"]),
        sa.ForeignKeyConstraint(["delivery_id"], ["deliveries.id"]),
        sa.PrimaryKeyConstraint("delivery_id", "case_id"),
    )
    op.create_index("ix_delivery_cases_case", "delivery_cases", ["case_id"], unique=False)
    op.execute("INSERT INTO delivery_cases (delivery_id, case_id) SELECT id, case_id FROM deliveries")
    with op.batch_alter_table("deliveries", schema=None) as deliveries:
        deliveries.add_column(sa.Column("kind", sa.String(length=24), nullable=False, server_default="notice"))
        deliveries.add_column(sa.Column("practice", sa.String(length=20), nullable=False, server_default=""))
        deliveries.alter_column("address", existing_type=sa.String(length=254), type_=sa.String(length=1024))
        deliveries.create_index("ix_deliveries_address", ["channel", "address", "created_at"], unique=False)
    op.execute("UPDATE deliveries SET practice = (SELECT practice FROM cases WHERE cases.id = deliveries.case_id)")
    with op.batch_alter_table("deliveries", schema=None, naming_convention=_NAMES) as deliveries:
        if op.get_bind().dialect.name != "sqlite":
            deliveries.drop_constraint("deliveries_case_id_fkey", type_="foreignkey")
        else:
            deliveries.drop_constraint("fk_deliveries_case_id_cases", type_="foreignkey")
        deliveries.drop_column("case_id")


# SQLite's foreign keys have no names; batch mode gives them these, so that they can be dropped.
_NAMES = {"fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s"}


def _new_tables() -> None:
    op.create_table(
        "disputes",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("rule", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column("comment", sa.String(length=1000), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_disputes_rule", "disputes", ["rule", "at"], unique=False)
    op.create_index("ix_disputes_case", "disputes", ["case_id"], unique=False)
    op.create_table(
        "notices",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("why", sa.String(length=255), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.Column("channels", sa.JSON(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("not_before", INSTANT, nullable=False),
        sa.Column("settled_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_notices_due", "notices", ["status", "not_before"], unique=False)
    op.create_index("ix_notices_case", "notices", ["case_id", "status"], unique=False)
    op.create_table(
        "silences",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("practice", sa.String(length=20), nullable=True),
        sa.Column("person", sa.String(length=64), nullable=True),
        sa.Column("rule", sa.String(length=64), nullable=True),
        sa.Column("family", sa.String(length=64), nullable=True),
        sa.Column("reason", sa.String(length=1000), nullable=False),
        sa.Column("created_by", sa.String(length=64), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("starts_at", INSTANT, nullable=False),
        sa.Column("ends_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_silences_ends", "silences", ["ends_at"], unique=False)
    op.create_table(
        "disabled_channels",
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("address", sa.String(length=1024), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.String(length=255), nullable=False),
        sa.Column("since", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("channel", "address"),
    )
    op.create_table(
        "audit",
        sa.Column("sequence", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("object", sa.String(length=255), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.Column("previous_hash", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("sequence"),
        sa.UniqueConstraint("previous_hash"),
    )
    op.create_index("ix_audit_object", "audit", ["object"], unique=False)


def _audit_is_append_only() -> None:
    """The database itself refuses to change or remove an entry."""
    if op.get_bind().dialect.name == "sqlite":
        for what in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER audit_no_{what.lower()} BEFORE {what} ON audit "
                "BEGIN SELECT RAISE(ABORT, 'the audit is only ever added to'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the audit is only ever added to'; END $$"
    )
    op.execute(
        "CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only()"
    )


def downgrade() -> None:
    raise NotImplementedError("0002 gives up which case a message was about; restore the backup from before it")
