"""The rule book: one folder a family, one module a rule."""
