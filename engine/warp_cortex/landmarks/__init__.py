"""Choosing landmarks: pure functions from tensors to token indices, and the policies' registry."""
