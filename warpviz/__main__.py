"""`python -m warpviz` is the command `warpviz`."""

from warpviz.cli import command

command()
