"""Medically unlikely units and daily caps."""
