"""Very many agents through a few slots: the run, its results on disk, tables and figures."""
