#!/bin/sh
# Who may have what: conditional, none, open; grants, sealed and public; mirrors; revocation; callers without a key.
. "$SOURCE/tests/lib.sh"
fixture v1
mkdir secret && echo "nests at 25.0389" >secret/kranich-nester.csv

make_node a Forestry
make_node b Tourism
make_node c Audit
make_node m Mirror
for home in a b c m; do start $home; done
pair a b; pair a m; pair b m; pair c m; pair a c
chama a publish nests secret --share conditional >/dev/null
chama a publish inner secret --share none >/dev/null
chama a publish divisions v1 --share open >/dev/null
for home in b c m; do chama $home follow '*' >/dev/null; done

want "sync without a grant" 0 chama b sync forestry
want "gets the open dataset" 0 chama b get forestry/divisions open
want "not the conditional one" 1 chama b get forestry/nests nests
want "not the one for nobody" 1 chama b get forestry/inner inner

want "grant" 0 chama a grant nests tourism
has "is sealed" "$out" sealed
equal "to a peer, without a warning" "$err" ""
want "the same grant again" 1 chama a grant nests tourism
has "is there already" "$err" "nests: tourism may have it until 20"
want "one that ends earlier" 1 chama a grant nests tourism --until "$(date -u -d '+30 days' +%F)"
has "says how" "$err" "a shorter one comes after \`chama revoke\`"
want "a longer one" 0 chama a grant nests tourism --until "$(date -u -d '+800 days' +%F)"
make_node d Stranger
chama d peer add "$(chama a invite 2>/dev/null)" >/dev/null && chama d sync >/dev/null 2>&1
want "a grant for a node that nobody here has accepted" 0 chama a grant nests "$(chama d id | head -n 1)"
has "warns" "$err" "is not an accepted peer of this node: it gets nothing here until it is"
want "grant of a dataset that is not there" 1 chama a grant nothing tourism
want "grant of another's dataset" 4 chama b grant forestry/nests mirror
want "grant of the mirror, for all to read" 0 chama a grant nests mirror --public
want "the mirror syncs" 0 chama m sync forestry
want "and has it" 0 chama m get forestry/nests mirror-nests
want "the grantee syncs" 0 chama b sync forestry
want "and has it" 0 chama b get forestry/nests nests
same_tree "whole" secret nests
want "grants at the grantee" 0 chama b grants
has "show it" "$out" "forestry/nests"
want "a third node syncs" 0 chama c sync
want "and does not have it" 1 chama c get forestry/nests c-nests
id_b=$(chama b id | head -n 1)
id_m=$(chama m id | head -n 1)
want "the third node's grants" 0 chama c grants
has_not "do not name the sealed one's grantee" "$out" "$id_b"
for what in kranich-nester 25.0389; do
    if grep -rqs "$what" c; then bad "\"$what\" lies in the third node's home"; else ok "no \"$what\" in the third node's home"; fi
done
if git -C c/ledgers/"$(chama a id | head -n 1)".git log -p | grep -q "$id_b"; then bad "the ledger names the sealed grantee"; else ok "the ledger does not name the sealed grantee"; fi

# A mirror serves the grantee, who shows the grant, and nobody else.
chama b drop forestry/nests >/dev/null; chama b gc >/dev/null
rm -rf nests
stop a
want "the owner is away" 5 chama b sync forestry
want "what was dropped does not come back by itself" 0 chama b sync mirror
want "it stays away" 1 chama b get forestry/nests nests
want "but when it is followed again" 0 chama b follow forestry/nests
want "the grantee asks the mirror" 0 chama b sync mirror
want "and gets it there" 0 chama b get forestry/nests nests
same_tree "whole" secret nests
want "the third node asks the mirror" 0 chama c sync mirror
want "and gets nothing" 1 chama c get forestry/nests c-nests
start a

# Revocation reaches the mirror with the ledger.
want "revoke" 0 chama a revoke nests tourism
want "revoke again" 1 chama a revoke nests tourism
want "the mirror learns of it" 0 chama m sync forestry
chama b drop forestry/nests >/dev/null; chama b gc >/dev/null
chama b follow forestry/nests >/dev/null
chama b sync mirror >/dev/null 2>&1
want "and serves no more" 1 chama b get forestry/nests again
chama b sync forestry >/dev/null 2>&1
want "nor does the owner" 1 chama b get forestry/nests again

# Without a key one sees what anyone may, and a refusal is the same as for what does not exist.
url=https://$(address_of a)
address=$(chama a show nests --json | python3 -c 'import json,sys; print(json.load(sys.stdin)["address"][7:])')
open=$(chama a show divisions --json | python3 -c 'import json,sys; print(json.load(sys.stdin)["address"][7:])')
nothing=$(printf %064d 0)
for what in content details; do
    curl -sk -D head1 -o body1 "$url/v1/versions/$address/$what"
    curl -sk -D head2 -o body2 "$url/v1/versions/$nothing/$what"
    grep -v -i '^date' head1 >h1; grep -v -i '^date' head2 >h2
    if cmp -s body1 body2 && cmp -s h1 h2; then ok "refusing $what says what not existing says"; else bad "refusing $what differs from not existing" "$(cat head1 body1 head2 body2)"; fi
done
for what in chunks pages; do
    curl -sk -o body1 -d '0 0' "$url/v1/versions/$address/$what"
    curl -sk -o body2 -d '0 0' "$url/v1/versions/$nothing/$what"
    if cmp -s body1 body2; then ok "refusing $what says what not existing says"; else bad "refusing $what" "$(cat body1 body2)"; fi
done
equal "a refusal is a problem document" "$(curl -sk -o /dev/null -w '%{http_code} %{content_type}' "$url/v1/versions/$address/content")" "404 application/problem+json"
equal "anyone gets the details of an open version" "$(curl -sk -o body -w '%{http_code}' "$url/v1/versions/$open/details")" 200
has "as they are" "$(cat body)" '"type":"details/1"'
id_a=$(chama a id | head -n 1)
equal "the whole ledger is not for everyone" "$(curl -sk -o /dev/null -w '%{http_code}' "$url/v1/ledgers/$id_a/records?from=0")" 404
equal "its open part is" "$(curl -sk -o sparse -w '%{http_code}' "$url/v1/ledgers/$id_a/sparse?from=0")" 200
has "with the open dataset" "$(cat sparse)" '"name":"divisions"'
has_not "without the restricted one" "$(cat sparse)" '"name":"nests"'
equal "other methods are refused" "$(curl -sk -X DELETE -o /dev/null -w '%{http_code}' "$url/v1/node")" 405
equal "other paths are not found" "$(curl -sk -o /dev/null -w '%{http_code}' "$url/../../etc/passwd" --path-as-is)" 404
equal "TLS 1.2 is refused" "$(curl -sk --tls-max 1.2 -o /dev/null -w '%{http_code}' "$url/v1/node")" 000

# Sharing that becomes stricter holds for older versions too.
want "the open dataset is closed" 0 chama a publish divisions v1 --share none
equal "its older version is no longer served" "$(curl -sk -o /dev/null -w '%{http_code}' "$url/v1/versions/$open/details")" 404
for home in a b c m; do want "fsck of $home" 0 chama $home fsck; done
