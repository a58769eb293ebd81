"""Alembic's revisions of the notifier's tables."""
