#!/bin/sh
# PU40 to PU44: a version that several peers hold comes from all of them; who lies, is silent or dies is dropped, and its part comes from the others; and it is told who gave what.
. "$SOURCE/tests/lib.sh"
export PYTHONDONTWRITEBYTECODE=1
size=$((12 * 1024 * 1024))
make_node a Forestry
proxy=$(port)
make_node b Tourism --url "https://127.0.0.1:$proxy"
make_node c Customs
mkdir data && head -c $size /dev/urandom >data/noise
chama a publish cover data --share open >/dev/null 2>&1
pair a b
pair a c
pair b c
chama b follow 'forestry/*' >/dev/null 2>&1
chama c follow 'forestry/*' >/dev/null 2>&1
start a

# sources WHAT WANTED: the JSON of a sync in $said names these sources, "ALIAS" or "ALIAS REASON" (how it begins) a line, and what they gave adds up.
id_of() { chama "$1" id --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["node"])'; }
forestry=$(id_of a) tourism=$(id_of b)
export forestry tourism
sources() {
    printf '%s' "$said" >said.json
    equal "PU44: $1" "$(python3 -c '
import json, os
peer = json.load(open("said.json"))[0]
for source in peer["sources"]:
    assert set(source) - {"reason"} == {"node", "alias", "chunks", "bytes", "dropped"} and source["dropped"] == ("reason" in source), source
    assert source["node"] == os.environ[source["alias"]] and (source["dropped"] or min(source["chunks"], source["bytes"]) > 0), source
    print(source["alias"], source.get("reason", ""))
assert [sum(source[count] for source in peer["sources"]) for count in ("chunks", "bytes")] == [peer["chunks"], peer["bytes"]], peer' 2>&1 | sed 's/: want .*//; s/:\/\/.*//; s/ *$//')" "$2"
}
want "one source" 0 chama b sync forestry --json
said=$out
sources "it gave all" "forestry"
want "and nothing new" 0 chama b sync forestry --json
said=$out
sources "nobody gave any" ""
stop a
slow() { sed -i "s/^limit-rate = .*/limit-rate = $2/" "$1/config.ini"; }
slow a 8M
slow b 8M
start a
start b
echo none >mode
python3 "$SOURCE/tests/interop/tampering.py" "$proxy" "$(address_of b)" b/keys/tls.crt b/keys/tls.key c/keys/tls.crt c/keys/tls.key mode >proxy.log 2>&1 &
servers="$servers $!"
for _ in $(seq 100); do grep -q listening proxy.log && break; sleep 0.05; done
cp -a c virgin

# fetch MODE STATUS: a new c syncs with a alone, beside a mirror that behaves like that.
fetch() {
    rm -rf c && cp -a virgin c
    echo "$1" >mode
    begun=$(date +%s)
    want "beside one that does: $1" "$2" chama c sync forestry --json
    seconds=$(($(date +%s) - begun))
    has "all came, each chunk once" "$out" "\"bytes\": $size,"
    said=$out
    want "and holds" 0 chama c verify forestry/cover
}

fetch none 0
sources "both gave" "forestry
tourism"
given=$(grep 'path=/v1/versions/.*/chunks' b.log | sed 's/.* bytes=\([0-9]*\).*/\1/' | awk '{ n += $1 } END { print n + 0 }')
[ "$given" -gt $((size / 5)) ] && ok "not little of it from the mirror" || bad "not little of it from the mirror" "$given of $size"
fetch chunks 3
has "PU43: who lies is named" "$said" "tourism: object: P14"
has_not "the owner is not" "$said" "forestry: object"
sources "and is dropped for that" "forestry
tourism object: P14"
fetch fewer 3
has "PU43: so is who gives rubbish" "$said" "tourism: frames: PU13"
sources "for that" "forestry
tourism frames: PU13"
stop a
slow a 1536K
start a
fetch silence 0
sources "PU42: and who is silent" "forestry
tourism PU42: silent for 5 seconds while others gave"
[ "$seconds" -le 20 ] && ok "who is not waited for" || bad "who is not waited for" "$seconds seconds"
stop a
slow a 8M
start a
fetch death 0
has "one that was never there is nobody's trouble" "$said" '"problems": [],'
sources "but told of" "forestry
tourism https"

# The session's own peer dies: the mirror has the rest.
echo none >mode
rm -rf c && cp -a virgin c
stop a
slow a 1M
start a
"$CHAMA" --home c sync forestry >cut.out 2>cut.err &
syncing=$!
sleep 1
kill -9 "$(cat a.pid)"
wait $syncing
want "what its peer did not live to give" 0 chama c verify forestry/cover
grep -qE '^from forestry [0-9]+\.[0-9] MiB, tourism [0-9]+\.[0-9] MiB$' cut.err && ok "PU44: people are told once who gave what" || bad "PU44: people are told who gave what" "$(cat cut.err)"

# Under a grant everything comes from one provider, so that there is one delivery and one receipt.
slow a 32M
printf '\n[peer customs]\nlimit-rate = 6M\n' >>a/config.ini
start a
head -c $size /dev/urandom >data/noise
chama a publish closed data --share conditional >/dev/null 2>&1
chama a grant closed tourism >/dev/null 2>&1
chama a grant closed customs >/dev/null 2>&1
echo none >mode
chama b sync forestry >/dev/null 2>&1
rm -f b.log.before && cp b.log b.log.before
want "PU40: a version under a grant" 0 chama c sync forestry --json
said=$out
has "all of it" "$said" "\"bytes\": $size,"
sources "is its provider's alone" "forestry"
equal "comes from one alone" "$(grep -c '/chunks' b.log)" "$(grep -c '/chunks' b.log.before)"
want "with its receipt" 0 chama c receipts
equal "one" "$(printf '%s\n' "$out" | grep -c closed)" "1"
