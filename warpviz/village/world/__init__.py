"""Village worlds: facts, sentences about them, documents, tokens."""
