"""PersistenceCompare: the shape of the whole context against that of its landmarks."""
