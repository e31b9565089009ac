"""Measurements, run by hand (``make bench``): figures to compare, never tests."""
