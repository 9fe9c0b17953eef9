"""`python -m warpviz` is the command `warpviz`."""

import sys

from warpviz.cli import main

sys.exit(main())
