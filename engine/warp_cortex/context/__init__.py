"""One text the model has read: its tokens, cache, queries and point clouds."""
