#!/bin/sh
# Fetch the model $2 with the warpviz of the virtual environment $1, unless it is bundled or here already.
# Without it the notebooks open all the same: warpviz says in one line why, and names the bundled model.
set -u
if [ "$2" = village ]; then
    exit 0
fi
"$1/bin/warpviz" model fetch "$2" >/dev/null
code=$?
if [ "$code" = 130 ]; then # Ctrl-C ends `make lab`, too
    exit "$code"
fi
exit 0
