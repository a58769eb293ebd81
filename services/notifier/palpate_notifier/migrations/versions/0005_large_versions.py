"""A claim's version in 64 bits, as the contract allows it: a PMS may count in milliseconds since 1970."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

WITH_VERSIONS = ("claim_heads", "cases", "case_events", "disputes")


def upgrade() -> None:
    _change(sa.Integer(), sa.BigInteger())


def downgrade() -> None:
    _change(sa.BigInteger(), sa.Integer())


def _change(old: sa.types.TypeEngine[int], new: sa.types.TypeEngine[int]) -> None:
    for table in WITH_VERSIONS:
        with op.batch_alter_table(table) as batch:
            batch.alter_column("version", existing_type=old, type_=new, existing_nullable=False)
