"""Timed units: how minutes become units."""
