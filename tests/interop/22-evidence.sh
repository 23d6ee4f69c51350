#!/bin/sh
# Evidence read by a second reader, in plain Python with ssh-keygen and openssl: each form, and each refused where chama refuses it.
. "$SOURCE/tests/lib.sh"
export PYTHONDONTWRITEBYTECODE=1
reader() { python3 "$SOURCE/tests/interop/evidence.py" "$@"; }

for form in records:EV6 roots:EV7 prefix:EV8 checkpoint:EV9 rollback:EV10; do
    name=${form%%:*}
    cp "$SOURCE/tests/fuzz/corpus/evidence/$name" .
    want "$name by hand" 0 reader "$name"
    has "its form" "$out" "${form#*:}"
    want "and by chama" 0 chama nowhere check "$FOLDER/$name"
    address=$(sha256sum <"$name" | cut -d' ' -f1)
    has "one address" "$out" "$address"
    # A bit of every so many bytes, through the whole of it.
    python3 - "$name" <<'END'
import sys
data = open(sys.argv[1], "rb").read()
for number, at in enumerate(range(3, len(data), len(data) // 12)):
    flipped = bytearray(data)
    flipped[at] ^= 1 << at % 8
    open(f"{sys.argv[1]}.{number}", "wb").write(flipped)
END
    for file in "$name".[0-9]*; do
        reader "$file" >/dev/null && bad "the reader takes $file"
        chama nowhere check "$FOLDER/$file" >/dev/null 2>&1
        [ $? -eq 3 ] || bad "chama takes $file, or fails otherwise"
    done
    ok "$(ls "$name".[0-9]* | wc -l) altered ones are refused by both"
done

# What can be true, whoever makes it.
python3 - <<'END'
import json
for name in ("roots", "records", "checkpoint", "rollback"):
    evidence = json.load(open(name))
    if name == "roots":
        evidence["checkpoints"] = [evidence["checkpoints"][0]] * 2
    elif name == "records":
        evidence["records"] = [evidence["records"][0]] * 2
    elif name == "checkpoint":
        evidence["records"] = evidence["records"][:-1]
    else:
        evidence["checkpoints"].reverse()
    open(f"true-{name}", "w").write(json.dumps(evidence, sort_keys=True, separators=(",", ":"), ensure_ascii=False))
END
for file in true-*; do
    want "$file: the reader refuses what can be true" 1 reader "$file"
    has "and says so" "$out" "these can all be true"
    want "$file: chama, too" 3 chama nowhere check "$FOLDER/$file"
    has "and says so" "$err" "these can all be true"
done
