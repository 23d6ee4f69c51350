#!/bin/sh
# `[peer ALIAS] push = yes`: the daemon of a node that nobody can dial pushes what is new (PS9).
. "$SOURCE/tests/lib.sh"
json() { python3 -c "import json,sys; print(json.load(sys.stdin)$1)"; }
log_has() {  # PATTERN COUNT
    for _ in $(seq 100); do [ "$(grep -c "$1" a.log)" -ge "$2" ] && return 0; sleep 0.05; done
    bad "the log has not $2 of $1" "$(grep -v request a.log)"
}
pushes() { grep -c ' push to=' a.log; }

mkdir data && echo one >data/one
make_node a Forestry --url ''
make_node b Tourism
start b
chama a peer add "$(chama b invite 2>/dev/null)" >/dev/null
chama a publish data data --share open >/dev/null
cp a/config.ini plain.ini
printf '\n[peer tourism]\npush = maybe\n' >>a/config.ini
want "another word than yes or no" 2 chama a serve
equal "is told" "$err" "chama: config.ini: [peer] push: want yes or no, have maybe"
{ cat plain.ini; printf '\n[peer tourism]\npush = yes\n'; } >a/config.ini

# Not accepted there yet: it introduces itself, and leaves the peer alone for a while.
start a
log_has ' push to=tourism error=' 1
has "why, and when again" "$(grep ' push to=' a.log)" "(\`chama peer accept $(chama a id | head -n 1)\`), then push again\" failures=1 next=20"
has "peer ls says so" "$(chama a peer ls)" "not yet; push: failed 1 time: https://$(address_of b): takes no push from this node: PS8: "
has "and when again" "$(chama a peer ls)" "; again at 20"
equal "and for scripts" "$(chama a peer ls --json | json "[0]['push']['failures']")" 1
want "accepted" 0 chama b peer accept "$(chama a id | head -n 1)"
chama b follow 'forestry/*' >/dev/null 2>&1

# By hand meanwhile: that counts, too.
want "by hand" 0 chama a push tourism
has "it counts" "$(chama a peer ls)" "; push: ok"
want "it is there" 0 chama b get forestry/data got
same_tree "whole" data got
echo two >data/two
chama a publish data data --share open >/dev/null
log_has ' push to=tourism records=1 versions=1 bytes=' 1
want "what is new came by itself" 0 chama b get forestry/data got
same_tree "whole" data got
sleep 1.5
equal "and nothing more while nothing is new" "$(pushes)" 2

stop b
echo three >data/three
chama a publish data data --share open >/dev/null
log_has 'failures=1 next=20' 2
has "nobody there" "$(chama a status)" "; push: failed 1 time: https://$(address_of b): "
sleep 1.2
equal "it is left alone for a while" "$(pushes)" 3
has_not "and no time was noted as good" "$(chama a status --json | json "['peers'][0]['push'].get('last_error')")" None
start b
kill "$(cat a.pid)"; wait "$(cat a.pid)" 2>/dev/null
rm a.log
start a
log_has ' push to=tourism records=1 versions=1 bytes=' 1
has "after a start at once" "$(chama a status)" "; push: ok"
