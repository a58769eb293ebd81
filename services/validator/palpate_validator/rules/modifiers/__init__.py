"""Therapy modifiers: whose plan, which assistant, which circumstance."""
