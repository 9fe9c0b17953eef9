"""What holds for every test: how long a property may take, and how Triton's kernels run where there
is no GPU.
"""

import os

from hypothesis import settings

# before anything imports Triton, which decides it once
os.environ.setdefault("TRITON_INTERPRET", "1")

# a property is judged by what it says, not by how long a busy machine takes to look
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")
