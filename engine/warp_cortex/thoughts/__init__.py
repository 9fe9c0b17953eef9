"""Finished thoughts: judged by the Gate, calibrated, injected into the River's cache."""
