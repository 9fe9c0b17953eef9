"""CouncilMonitor: bytes, agents and tokens over a run."""
