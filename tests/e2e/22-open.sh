#!/bin/sh
# PU31: whoever shows the open part of another history first does not shut out the owner: its whole ledger is taken, and what was seen is evidence and an alarm.
. "$SOURCE/tests/lib.sh"
fixture v1
fixture v2

records() {
    chama "$1" status --json | python3 -c 'import json, sys; print(next(p["records"] for p in json.load(sys.stdin)["peers"] if p["node"] == sys.argv[1]))' "$forger"
}
kinds() {
    chama "$1" evidence --json | python3 -c 'import json, sys; print(*(e["kind"] + ("" if e["proof"] else "?") for e in json.load(sys.stdin)))'
}
sets() {
    chama "$1" ls --json '*' | python3 -c 'import json, sys; print(*sorted(d["name"].split("/")[-1] for d in json.load(sys.stdin)))'
}

# seen TAG A B: a guest saw the open part of a history with B more versions, made with Forestry's keys; Forestry, with A others, accepts it now.
seen() {
    mkdir "$FOLDER/$1" && FOLDER=$FOLDER/$1 && cd "$FOLDER" || exit 1
    make_node forestry Forestry && make_node guest Guest
    chama guest ls >/dev/null && cp guest/catalogue.sqlite catalogue.before
    forger=$(chama forestry id --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["node"])')
    chama forestry publish first ../v1 --share open >/dev/null
    cp -a forestry twin
    for i in $(seq "$3"); do chama twin publish "b$i" ../v2 --share open >/dev/null; done
    mv forestry honest && mv twin forestry && start forestry && start guest
    chama guest peer add "https://$(address_of forestry)" --id "$forger" >/dev/null
    chama guest sync forestry >/dev/null 2>&1
    equal "$1: the guest holds the open part alone" "$(ls guest/sparse) $(ls guest/ledgers)" "$forger "
    has "$1: and knows what it says" "$(sets guest)" "b1"
    stop forestry && mv forestry forged && mv honest forestry
    sleep 1.1
    for i in $(seq "$2"); do chama forestry publish "a$i" ../v1 --share open >/dev/null; done
    start forestry
    chama forestry peer add "$(chama guest invite 2>/dev/null)" >/dev/null
    cp -a guest/sparse sparse.before
}
leave() {
    for node in forestry guest; do stop $node; done
    cd .. && FOLDER=$(pwd)
}

seen shorter 1 4
want "shorter: the owner's whole ledger is taken, and that is said" 3 chama guest sync forestry
has "shorter: by rule" "$err" "PU31: rolled back: its open part was one of 7 records, its owner has 4"
equal "shorter: all of it" "$(records guest)" 4
equal "shorter: what was signed is evidence" "$(kinds guest)" rollback
want "shorter: status raises the alarm" 0 chama guest status
has "shorter: of what" "$out" "ALARM"
equal "shorter: what only the other history had is gone" "$(sets guest)" "a1 first"
equal "shorter: the open part, too" "$(ls guest/sparse/"$forger" 2>/dev/null)" ""
want "shorter: it is said once" 0 chama guest sync forestry
# As a kill leaves it, between the ledger and what is projected of it.
stop guest
rm -rf guest/sparse && cp -a sparse.before guest/sparse && rm -f guest/catalogue.sqlite* && cp -a catalogue.before guest/catalogue.sqlite
start guest
want "shorter: killed in between" 0 chama guest sync forestry
equal "shorter: it knows what the whole ledger says, and that alone" "$(sets guest)" "a1 first"
want "shorter: nothing is damaged" 0 chama guest fsck
for i in 2 3; do chama forestry publish "a$i" ../v1 --share open >/dev/null; done
want "shorter: the owner is followed" 0 chama guest sync forestry
equal "shorter: as it goes on" "$(records guest)" 6
chama forestry publish a4 ../v1 --share open >/dev/null
want "shorter: as long as what was seen, it shows that these are two histories" 3 chama guest sync forestry
has "shorter: and says so" "$err" "two histories"
equal "shorter: with proof" "$(kinds guest)" "rollback fork"
chama forestry publish a5 ../v1 --share open >/dev/null
want "shorter: and the owner is followed still" 0 chama guest sync forestry
equal "shorter: to the end" "$(records guest)" 8
id=$(chama guest evidence --json | python3 -c 'import json, sys; print(next(e["id"] for e in json.load(sys.stdin) if e["kind"] == "fork"))')
want "shorter: the proof is exported" 0 chama guest evidence export "$id" "$FOLDER/proof"
want "shorter: and holds anywhere" 0 chama nowhere check "$FOLDER/proof"
has "shorter: within how much" "$out" "7"
leave

seen longer 3 2
want "longer: the owner's whole ledger is taken, and that is said" 3 chama guest sync forestry
has "longer: by rule" "$err" "PU31: two histories: its first 5 records are not those whose open part was held here"
equal "longer: all of it" "$(records guest)" 6
equal "longer: with proof" "$(kinds guest)" fork
equal "longer: what only the other history had is gone" "$(sets guest)" "a1 a2 a3 first"
chama forestry publish a4 ../v1 --share open >/dev/null
want "longer: it is followed" 0 chama guest sync forestry
equal "longer: to the end" "$(records guest)" 7
want "longer: nothing is damaged" 0 chama guest fsck
leave

# Of one history: the open part was its beginning, and nobody is accused.
seen honest 1 1
stop forestry && mv forestry other && mv forged forestry && start forestry
chama forestry peer add "$(chama guest invite 2>/dev/null)" >/dev/null
chama forestry publish b2 ../v1 --share open >/dev/null
want "honest: the whole ledger takes the place of its open part" 0 chama guest sync forestry
equal "honest: all of it" "$(records guest)" 5
equal "honest: without evidence" "$(kinds guest)" ""
leave
