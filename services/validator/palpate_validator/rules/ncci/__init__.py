"""Pairs of codes that exclude each other on one day (NCCI)."""
