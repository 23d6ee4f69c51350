#!/bin/sh
# `chama serve --stdio`: one caller on standard input and output, whom --as names; beside the daemon.
. "$SOURCE/tests/lib.sh"
mkdir open closed && echo everyone >open/a && echo few >closed/b

make_node a Forestry
make_node b Tourism
start a
pair a b
chama a publish open open --share open >/dev/null
chama a publish closed closed --share conditional >/dev/null 2>&1
chama a grant closed tourism >/dev/null
id_a=$(chama a id | head -n 1)
id_b=$(chama b id | head -n 1)

for word in nonsense '' tourism "$(printf %.40s "$id_b")" "${id_b}x" "$(printf '\033[1m')" "$id_a"; do
    want "PS2: --as of \"$word\"" 2 chama a serve --stdio --as "$word" </dev/null
    equal "answers nothing" "$out" ""
done
has "and says why" "$err" "PS2"
want "--as without --stdio" 2 chama a serve --as "$id_b"
want "--log without --stdio" 2 chama a serve --log
want "--stdio and --listen" 2 chama a serve --stdio --listen 127.0.0.1:1
want "no home" 1 chama nowhere serve --stdio </dev/null
equal "answers nothing" "$out" ""
want "no input" 0 chama a serve --stdio --as "$id_b" </dev/null
equal "no output" "$out$err" ""
want "a file for input" 0 chama a serve --stdio <open/a

manifest() { chama a show "$1" --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["address"].removeprefix("sha256:"))'; }
export PYTHONDONTWRITEBYTECODE=1
python3 "$SOURCE/tests/e2e/stdio_client.py" "$CHAMA" "$FOLDER/a" "$id_a" "$id_b" "$(manifest open)" "$(manifest closed)" "$FOLDER" || bad "stdio_client.py"
