"""TokenText: the context as text."""
