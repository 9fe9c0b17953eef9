"""One run of a cortex: its parts, whose turn it is, and the bytes each owner holds."""
