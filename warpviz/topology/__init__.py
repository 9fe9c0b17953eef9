"""Topology of a cache: persistence, distances with certified bounds, null models, comparisons and projections.

Nothing heavy is imported here: GUDHI, Ripser, UMAP and plotly load when a function that needs them is called.
"""
