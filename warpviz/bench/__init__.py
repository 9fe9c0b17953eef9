"""Benchmarks behind `warpviz bench NAME`, one module each.

A module with `configure(parser)` and `execute(args) -> int` is a benchmark; its docstring's first
line says what it measures. It prints its table with the machine, the date, the seed and the spread,
and no number that it did not measure.
"""
