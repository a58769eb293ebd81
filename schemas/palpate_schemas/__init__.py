"""The contract: every event on the wire as a pydantic model.  It depends on pydantic alone.

`claim` and `events` are what practice-management systems write; `verdict`, `rejection` and `correction` are what
Palpate writes; `streams` names where.  JSON Schema and AsyncAPI are built from these models.
"""
