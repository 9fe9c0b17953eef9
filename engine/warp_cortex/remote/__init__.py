"""Streams that think in another process, or on the workers of a Ray cluster."""
