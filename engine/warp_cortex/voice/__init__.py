"""The voice of a model: how one speaks to it. Text in, text out, no tensors."""
