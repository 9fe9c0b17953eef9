"""Persistence diagrams: complexes, distances, bounds, cycles, and where they are computed and
kept.
"""
