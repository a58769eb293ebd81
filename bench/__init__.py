"""Measurements of Palpate, side by side as ratios: machines differ, and so does what else runs on them."""
