"""Landmarks against the whole context: measured, drawn and exported."""
