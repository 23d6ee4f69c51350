#!/bin/sh
# Where versions come from, over the ledgers of three nodes: every verdict that ordinary use can bring about, both directions, and refusals.
. "$SOURCE/tests/lib.sh"
json() { python3 -c "import json,sys; d=json.load(sys.stdin); print($1)"; }
counts() { printf '%s' "$out" | json "' '.join('%d %s' % (n, v) for v, n in d['counts'].items() if n)"; }

make_node a Forestry --name-zh 林业厅
make_node b Health
make_node c Tourism
start a && start b && start c
pair a b
pair b c
pair a c
mkdir one two three
echo 1 >one/a; echo 2 >two/b; echo 3 >three/c

chama a publish roads one --share open --title-zh 道路 >/dev/null 2>&1
chama b publish visits two --share conditional >/dev/null 2>&1
chama c sync >/dev/null 2>&1
want "a derived version" 0 chama c publish trips three --share open --from forestry/roads@1 --from health/visits@1 --activity join --tool "duckdb 1.1" --param how=left --param k=2
want "and one that is a copy" 0 chama c publish copy one --share open --from forestry/roads@1
want "and one from both" 0 chama c publish final two --share open --from trips --from copy
want "lineage" 0 chama c lineage final
has "the whole is as its worst step" "$out" "verdict: withheld, the worst of 6 steps: 1 withheld, 4 stated, 1 proven"
has "with a title" "$out" "forestry/roads@1  道路  [林业厅 Forestry"
has "how it was made, and that nobody saw it" "$out" 'made by join with duckdb 1.1 {"how":"left","k":"2"} (as stated)'
has "why it is proven" "$out" "LI10: the content is the source's own"
has "what is withheld" "$out" "LI6: its sources stand in details that are not for this node"
has "under what records stand" "$out" "record 2 of 3 under its owner's checkpoint"
equal "the worst comes first" "$(printf '%s\n' "$out" | grep -n 'trips@1' | cut -d: -f1)" 4
want "as JSON" 0 chama c lineage final --json
equal "the same counts" "$(counts)" "1 withheld 4 stated 1 proven"
equal "worst first" "$(printf '%s' "$out" | json "d['edges'][0]['verdict']")" withheld
equal "complete" "$(printf '%s' "$out" | json "d['complete']")" True
want "as JSON, said otherwise" 0 chama c lineage final@1 --format json
want "one step" 0 chama c lineage final --depth 1 --json
equal "is two sources" "$(counts)" "2 stated"
equal "and not complete" "$(printf '%s' "$out" | json "d['complete'], d['not_looked_into']")" "False 2"
want "one without sources" 0 chama a lineage roads
has "says so" "$out" "verdict: none, no source is stated"
want "downstream of it, unknown yet" 0 chama a lineage roads --downstream
has "says so" "$out" "verdict: none, nothing that is known here"
chama a sync >/dev/null 2>&1
want "downstream, once the ledger is here" 0 chama a lineage roads --downstream --json
equal "finds all steps" "$(counts)" "3 stated 1 proven"
stop a
want "catalogue made anew" 0 rm a/catalogue.sqlite
rm -f a/catalogue.sqlite-*
want "downstream" 0 chama a lineage roads --downstream --json
equal "is rebuilt" "$(counts)" "3 stated 1 proven"
start a

# A grant: what is closed can be looked into once its details are here; until then they are missing, not withheld.
chama b publish visits three --from visits@1 --activity clean >/dev/null 2>&1
chama c sync >/dev/null 2>&1
chama c publish report one --share open --from health/visits@2 >/dev/null
want "closed" 0 chama c lineage report --json
equal "is withheld" "$(counts)" "1 withheld 1 stated"
chama b grant visits tourism >/dev/null
chama c sync >/dev/null 2>&1
want "granted, not fetched" 0 chama c lineage report --json
equal "is missing" "$(counts)" "1 missing 1 stated"
chama c follow health/visits >/dev/null && chama c sync >/dev/null 2>&1
want "fetched" 0 chama c lineage report --json
equal "is stated" "$(counts)" "2 stated"
want "downstream of what is closed" 0 chama c lineage health/visits@1 --downstream --json
equal "out of details" "$(counts)" "4 stated"
want "at a node without the details" 0 chama a sync
want "downstream there" 0 chama a lineage health/visits@1 --downstream --json
equal "has what open versions say" "$(counts)" "2 stated"

# Another node does the same with the same result.
chama b sync >/dev/null 2>&1
want "the same again" 0 chama b publish again three --share open --from forestry/roads@1 --from visits@1 --activity join --tool "duckdb 1.1" --param k=2 --param how=left
chama c sync >/dev/null 2>&1
want "lineage" 0 chama c lineage trips --json
equal "is repeated" "$(counts)" "2 repeated"
has "by how many" "$out" "1 other node states the same derivation"

# Records that no ledger here has: D shows its ledger to its own peers alone, and E knows only C.
make_node d Survey --ledger peers
make_node e Auditor
start d && start e
pair c d
pair c e
chama d publish points one --share open >/dev/null 2>&1
chama d publish heights two --share conditional >/dev/null 2>&1
chama d publish points two --from points@1 --activity clean >/dev/null 2>&1
chama c sync >/dev/null 2>&1
chama c publish map three --share open --from survey/points@2 --activity draw >/dev/null
chama c publish relief three --share open --from survey/heights@1 >/dev/null
chama e sync >/dev/null 2>&1
want "lineage, asking nobody" 0 chama e lineage tourism/map --offline --json
equal "is missing" "$(counts)" "1 missing"
want "lineage" 0 chama e lineage tourism/map --json
equal "is fetched through a mirror, step by step" "$(counts)" "2 stated"
has "says so" "$err" "2 records fetched with proofs"
has "proven alone" "$out" "record 4 of 5 under its owner's checkpoint, proven alone"
want "again, asking nobody" 0 chama e lineage tourism/map --offline --json
equal "is kept" "$(counts)" "2 stated"
has_not "and not fetched" "$err" "fetched"
want "what is not open" 0 chama e lineage tourism/relief --json
equal "is not given" "$(counts)" "1 missing"
equal "and looks like what is not there" "$(curl -sk "https://$(address_of c)/v1/records/$(chama c show survey/heights --json | json "d['address'][7:]")?from=0")" \
    "$(curl -sk "https://$(address_of c)/v1/records/$(printf '%064d' 7)?from=0")"
want "fsck" 0 chama e fsck
kept=$(ls e/records/*/* | head -n 1)
cp "$kept" kept
sed 's/"version":1/"version":9/' kept >"$kept"; cmp -s kept "$kept" && sed 's/"version":2/"version":9/' kept >"$kept"
want "fsck of an altered one" 3 chama e fsck
has "names it" "$out" "single records: BAD: records/"
want "lineage then, asking nobody" 0 chama e lineage tourism/map --offline --json
has "does not believe it" "$(counts)" "1 missing"
stop c
want "lineage, when the peer is away" 0 chama e lineage tourism/map --json
has "is missing" "$(counts)" "1 missing"
has "says who was not asked" "$err" "tourism was not asked for what is missing"
start c
want "lineage, when it is back" 0 chama e lineage tourism/map --json
equal "is fetched again" "$(counts)" "2 stated"
want "fsck" 0 chama e fsck
equal "a record without a size" "$(curl -sk -o /dev/null -w '%{http_code}' "https://$(address_of c)/v1/records/$(basename "$kept")")" 400
equal "an address that is none" "$(curl -sk -o /dev/null -w '%{http_code}' "https://$(address_of c)/v1/records/xyz?from=0")" 404
equal "a size beyond the ledger" "$(curl -sk -o /dev/null -w '%{http_code}' "https://$(address_of c)/v1/records/$(basename "$kept")?from=99")" 400

# Pictures, and titles that would like to be more than text.
hostile='</title><script>alert(1)</script>]]>&"\N\"; }'
want "a hostile title" 0 chama c publish title one --share open --title-zh "$hostile" --title-en "x' onload='y" --from trips@1 --from survey/heights@1 --activity '<b>' --tool '"];' --param 'a=</svg>'
for format in text json dot svg prov-json; do
    want "lineage as $format" 0 chama c lineage title --format $format
    printf '%s\n' "$out" >title.$format
done
want "the picture is XML, and nothing in it runs" 0 python3 -c '
import sys, xml.etree.ElementTree as tree
root = tree.parse("title.svg").getroot()
tags = {one.tag.split("}")[1] for one in root.iter()}
assert tags <= {"svg", "style", "defs", "marker", "path", "rect", "text", "title", "g"}, tags
assert not [name for one in root.iter() for name in one.attrib if name.startswith("on") or name.endswith("href")]
words = "".join(root.itertext())
assert "alert(1)" in words and "道路" in words and "sources: missing" not in words and "withheld" in words, words'
want "PROV-JSON keeps its structure" 0 python3 "$SOURCE/tests/e2e/prov.py" title.prov-json
has "and says what it found" "$out" "entities"
if command -v dot >/dev/null; then want "graphviz reads it" 0 dot -Tsvg -o title.dot.svg title.dot; fi
if command -v rsvg-convert >/dev/null; then want "a picture can be made of it" 0 rsvg-convert -o title.png title.svg; fi
for format in dot svg prov-json; do want "downstream as $format" 0 chama c lineage forestry/roads@1 --downstream --format $format; done

# Keys that changed: records are judged by the key of their place, here and in what is fetched; what was disavowed stays stated, and says so.
want "a rotation" 0 chama d keys rotate
chama d publish points one --from points@2 --activity clean >/dev/null 2>&1
chama c sync >/dev/null 2>&1
chama c publish map one --share open --from survey/points@3 --activity draw >/dev/null 2>&1
chama e sync >/dev/null 2>&1
want "lineage over a rotation, fetched" 0 chama e lineage tourism/map --json
equal "is good" "$(counts)" "2 stated 1 proven"
want "and at a node that holds the ledger" 0 chama c lineage map --json
equal "is good" "$(counts)" "2 stated 1 proven"
want "another rotation, of a stolen key" 0 chama d keys rotate --stolen --disavow-from "$(chama d show points@3 --json | json "d['seq']")"
want "the owner's lineage" 0 chama d lineage points
has "tells of it" "$out" "disavowed: by the rotation that is record"
has "as a reason" "$out" "LI8: signed, and disavowed since by its node"
chama d sync >/dev/null 2>&1
chama c sync >/dev/null 2>&1
want "a copy's" 0 chama c lineage survey/points@3
has "tells of it, too" "$out" "disavowed: by the rotation"
want "a version after it" 0 chama d publish points two --from points@1
chama c sync >/dev/null 2>&1
chama c publish map two --share open --from survey/points@4 >/dev/null 2>&1
chama e sync >/dev/null 2>&1
want "lineage over both, fetched" 0 chama e lineage tourism/map --json
equal "is good" "$(counts)" "1 stated 1 proven"

# Erased and withdrawn.
want "withdraw" 0 chama a withdraw roads@1 --reason "二号表有误"
want "erase" 0 chama b erase again@1 --reason "a court said so" --yes
chama c sync >/dev/null 2>&1
chama c publish sum one --share open --from health/again@1 --from forestry/roads@1 >/dev/null 2>&1
want "lineage of both" 0 chama c lineage sum
has "is erased" "$out" "verdict: erased"
has "by whose word" "$out" "erased: a court said so"
has "withdrawn is said" "$out" "withdrawn: 二号表有误"

# What publish refuses.
want "--tool alone" 2 chama a publish x one --tool x
has "says why" "$err" "--tool: want it only with --activity"
want "--param alone" 2 chama a publish x one --param a=b
want "a parameter without a value" 2 chama a publish x one --activity x --param a
has "says how" "$err" "want a parameter as NAME=VALUE"
want "a parameter twice" 2 chama a publish x one --activity x --param a=1 --param a=2
want "an empty activity" 2 chama a publish x one --activity ""
want "an activity with a control character" 2 chama a publish x one --activity "$(printf 'a\033[2J')"
want "one that is too long" 2 chama a publish x one --activity "$(printf '%065d' 1)"
has "by a rule" "$err" "64 bytes"
want "parameters that are too long" 2 chama a publish x one --activity x --param "a=$(printf '%05000d' 1)"
has "by a rule" "$err" "M14"
want "not UTF-8" 2 chama a publish x one --activity "$(printf '\377')"
want "nothing was published by them" 1 chama a show x
want "the same activity" 0 chama c publish trips three --from forestry/roads@1 --from health/visits@1 --activity join --tool "duckdb 1.1" --param how=left --param k=2
has "is no new version" "$out" "nothing changed"
want "another activity" 0 chama c publish trips three --from forestry/roads@1 --from health/visits@1 --activity merge
has "is one" "$out" "trips@2"
want "show" 0 chama c show trips
has "shows it" "$out" "merge (as stated)"

# What lineage refuses.
want "no name" 2 chama a lineage
want "two names" 2 chama a lineage roads roads
want "an unknown dataset" 1 chama a lineage nothing
want "an unknown version" 1 chama a lineage roads@7
want "depth 0" 2 chama a lineage roads --depth 0
has "says what" "$err" "--depth: want 1 or more, have 0"
want "a negative depth" 2 chama a lineage roads --depth=-3
want "no depth" 2 chama a lineage roads --depth many
want "an unknown format" 2 chama a lineage roads --format gif
has "says which there are" "$err" "--format: want text"
want "two formats" 2 chama a lineage roads --json --format text

want "fsck" 0 chama a fsck
want "fsck" 0 chama c fsck
