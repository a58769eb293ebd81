"""Diagnoses: valid, pointed to, and of the region treated."""
