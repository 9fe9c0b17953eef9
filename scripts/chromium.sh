#!/bin/sh
# See to it that a Chromium is there for the browser tests: found on the PATH, named by $CHROMIUM, or from Debian.
set -eu
for candidate in ${CHROMIUM:-} chromium chromium-browser google-chrome; do
    if command -v "$candidate" >/dev/null 2>&1; then
        exit 0
    fi
done
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "Installing Debian's Chromium for the browser tests."
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium fonts-dejavu-core >/dev/null && exit 0
fi
echo "The browser tests need Chromium and none was found. As root: apt-get install chromium;" >&2
echo "or name one: CHROMIUM=/path/to/chromium make test; or leave them out: make check" >&2
exit 2
