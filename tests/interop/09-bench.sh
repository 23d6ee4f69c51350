#!/bin/sh
# The parts of the benchmark that compute.
. "$SOURCE/tests/lib.sh"
python3 "$SOURCE/tests/interop/bench_parts.py" "$SOURCE" || bad "the checks end by themselves"
