"""The bundled village language: seeded worlds, their protocol, and the model trained on them."""
