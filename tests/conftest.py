"""What holds for every test: a property is judged by what it says, not by how long a busy machine takes to look."""

from hypothesis import settings

settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")
