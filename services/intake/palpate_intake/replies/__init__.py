"""A practice-management system answered in its own language: 277CA and 999 for X12, OperationOutcome and Task for FHIR.

Everything here is pure: what was read and what was found go in, text or resources come out.  No reply holds a name, a
birth date, a member number or a note.
"""
