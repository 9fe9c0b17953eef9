"""One decode step for every agent, written out over the model's own weights."""
