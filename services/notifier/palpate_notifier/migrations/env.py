"""How Alembic reaches the tables: on the connection that `palpate_notifier.database` gives it."""

from alembic import context

from palpate_notifier.tables import Base

context.configure(
    connection=context.config.attributes["connection"], target_metadata=Base.metadata, render_as_batch=True
)
with context.begin_transaction():
    context.run_migrations()
