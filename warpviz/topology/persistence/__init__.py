"""Persistence diagrams: complexes, distances, bounds, cycles, a process and a store for them."""
