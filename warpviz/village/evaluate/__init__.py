"""Measuring what the bundled village model can do."""
