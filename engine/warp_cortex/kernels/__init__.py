"""Compiled arithmetic: numba on a CPU, Triton on a GPU, and plain torch as the reference."""
