#!/bin/sh
# Make the virtual environment $1 with the first Python >= 3.11 there is ($PYTHON, if set, is asked first).
set -eu
venv=$1
if [ -x "$venv/bin/python" ] && "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
    exit 0
fi

python=
for candidate in ${PYTHON:-} python3 python3.13 python3.12 python3.11; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
        python=$candidate
        break
    fi
done
if [ -z "$python" ]; then
    echo "warpviz needs Python 3.11 or newer; python3 here is $(python3 --version 2>&1 || true)." >&2
    echo "Install one, or name it: make lab PYTHON=/path/to/python3.11" >&2
    exit 2
fi

# Debian ships Python without ensurepip; its python3-venv package brings it.
if ! "$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        echo "Installing Debian's python3-venv."
        apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq python3-venv >/dev/null
    else
        echo "$python cannot make virtual environments; as root: apt-get install python3-venv" >&2
        exit 2
    fi
fi
"$python" -m venv "$venv"
