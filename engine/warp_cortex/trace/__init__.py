"""The record of a run: events, their files, their summary. Loads no torch."""
