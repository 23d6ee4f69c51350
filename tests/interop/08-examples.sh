#!/bin/sh
# What the format documents show is what they say of it: digests, ids, signatures and lengths beside their examples.
. "$SOURCE/tests/lib.sh"
export PYTHONDONTWRITEBYTECODE=1
python3 "$SOURCE/tests/interop/examples.py" "$SOURCE" || bad "examples.py"
