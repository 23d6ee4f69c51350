#!/bin/sh
# The benchmark goes through every step with chama alone, as an ordinary user, and leaves nothing; wrong words are refused.
. "$SOURCE/tests/lib.sh"

bench() { sh "$SOURCE/tests/bench/run.sh" "$@"; }
mkdir scratch out

want "a small run" 0 bench --quick --peers none --data mix:1M --chama "$CHAMA" --scratch scratch --output out \
    --steps publish,again,sync,checkout,publish2,sync2,update,verify
has_not "no step failed" "$err" FAILED
has "the table has the last step" "$(cat out/table.md)" "| verify all [s] |"
has "and the targets" "$(cat out/table.md)" "| P6 checkout [s] |"
want "the plot is XML" 0 python3 -c 'import xml.dom.minidom; xml.dom.minidom.parse("out/plot.svg")'
want "the figures are JSON, one result for every step" 0 python3 -c '
import json
results = json.load(open("out/table.json"))["results"]
assert [one["step"] for one in results if one["peer"] == "chama"] == \
    ["publish", "again", "sync", "checkout", "publish2", "sync2", "update", "verify"], results
assert all(one["seconds"] > 0 for one in results), results
stored = {one["step"]: one["stored"] for one in results if "stored" in one}
assert 0 < stored["publish2"] < stored["publish"], stored'
equal "nothing is left in the scratch folder" "$(ls -A scratch)" ""
equal "the project's own folder is as before" "$(find "$SOURCE/tests/bench" -newer out/table.json)" ""

printf '#!/bin/sh\necho "no such luck" >&2\nexit 1\n' >broken && chmod +x broken
want "a program that fails does not end the run" 0 bench --quick --peers none --data tiny:20 --chama broken --scratch scratch --output out --steps publish
has "its words are in the table" "$(cat out/table.md)" "- chama, publish: prepare: chama: exit 1: no such luck"

refused() {  # what is said, arguments...
    said=$1
    shift
    want "refused: $*" 2 bench "$@"
    equal "and said exactly" "$err" "run.sh: $said"
}
refused "--peers: want some of borg,restic,casync,ostree,rsync,git,git-annex, or all, or none, have bup" --peers borg,bup
refused "--steps: want some of publish,again,sync,checkout,publish2,sync2,update,verify,start, or all, or none, have an empty name" --steps publish,
refused "--data: want one of mix, csv, tiny, big, scattered (with :SIZE if you like), or a folder, have nowhere" --data mix nowhere
refused "--data: want a size as 302M, 4GiB or 100000, have 3q" --data mix:3q
refused "--data: want a size as 302M, 4GiB or 100000, have 0" --data tiny:0
refused "--data: want every name once, have mix:1M" --data mix:1M mix:1M
refused "--rounds: want a number of at least 1, have 0" --rounds 0
refused "--seed: want a number of at least 0, have x" --seed x
refused "--scratch: want a folder, have nowhere" --scratch nowhere
refused "--chama: want a program, have scratch" --chama scratch
refused "unrecognized arguments: --frobnicate; see run.sh --help" --frobnicate
