#!/bin/sh
# Measures chama against the programs that people use today, on this machine, in one run.  README.md beside this file says how to read
# the result; `run.sh --help` lists the options.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
command -v python3 >/dev/null 2>&1 || sh "$here/../../scripts/packages.sh" test
PYTHONDONTWRITEBYTECODE=1 exec python3 "$here/bench.py" "$@"
