"""Benchmarks of the front end in a real browser."""
