"""cosigned.py VERIFIER-KEY NOTE: when the witness cosigned the note, by openssl.  Exit 1: it did not; 3: its line does not hold."""

import sys

from chama.notes import cosigned_at
from chama.report import Broken

try:
    with open(sys.argv[2], "rb") as note:
        time = cosigned_at(note.read(), sys.argv[1])
except Broken as broken:
    sys.exit(print(broken) or 3)
if time is None:
    sys.exit(print("not cosigned") or 1)
print(time)
