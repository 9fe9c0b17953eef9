"""LiveRun: a run as an animation."""
