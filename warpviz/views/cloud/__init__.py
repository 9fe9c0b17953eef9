"""KVCloud: the cache as a cloud of tokens."""
