"""Benchmarks of the engine: capacity, steps, latency, long contexts, CUDA."""
