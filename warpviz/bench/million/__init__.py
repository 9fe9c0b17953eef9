"""Very many agents through a few slots: running, keeping and telling the results."""
