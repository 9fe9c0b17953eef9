"""Attention over shared and private entries, and the rotary positions of keys."""
