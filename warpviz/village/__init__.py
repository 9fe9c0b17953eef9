"""The bundled village language: seeded worlds, their text protocol, and the model trained on
them.
"""
