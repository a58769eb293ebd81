"""The `palpate` command; the only place that may import every service."""
