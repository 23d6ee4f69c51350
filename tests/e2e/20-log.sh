#!/bin/sh
# The Merkle log over HTTPS, proofs that are handed over, and what `chama check` says of them on a machine that has no node.
. "$SOURCE/tests/lib.sh"

make_node a Forestry
make_node b Tourism
fixture v1
pair a b
a=$(chama a id --json | python3 -c 'import json,sys; print(json.load(sys.stdin)["node"])')

# In a folder with nothing of chama's.
check() { (cd "$FOLDER" && HOME=/nonexistent "$CHAMA" --home /nonexistent/home check "$@"); }

mkdir one && echo one >one/file
want "publish" 0 chama a publish divisions v1 --share open
want "publish a closed one" 0 chama a publish secret one
want "grant" 0 chama a grant secret tourism
start a

get() { curl -s -k --path-as-is -o "$1" -w '%{http_code} %{content_type} %header{cache-control}' "https://$(address_of a)/log/$2"; }
equal "checkpoint" "$(get checkpoint "$a/checkpoint")" "200 text/plain; charset=utf-8 public, max-age=10"
size=$(sed -n 2p checkpoint)
equal "of all records" "$size" 5
equal "leaf hashes" "$(get tile "$a/tile/0/000.p/$size")" "200 application/octet-stream public, max-age=31536000, immutable"
equal "32 bytes each" "$(wc -c <tile)" "$((size * 32))"
equal "entries are not for anyone" "$(get none "$a/tile/entries/000.p/$size")" "404 application/problem+json no-store"
get nothing "nothing" >/dev/null
same_tree "and the refusal is that of nothing" none nothing
for path in "$a/tile/0/000" "$a/tile/0/000.p/6" "$a/tile/1/000.p/1" "$a/tile/0/000.p/05" "$a/tile/64/000.p/1" "$a/tile/0/0.p/5" "$(echo "$a" | tr a-m n-z)/checkpoint" "$a/tile/0/../0/000.p/5"; do
    equal "no $path" "$(get none "$path" | cut -c1-3)" 404
    same_tree "the same answer" none nothing
done
as_b() { curl -s -k --cert b/keys/tls.crt --key b/keys/tls.key -o "$1" -w '%{http_code} %header{cache-control}' "https://$(address_of a)/log/$2"; }
equal "a peer gets entries" "$(as_b bundle "$a/tile/entries/000.p/$size")" "200 private, max-age=31536000, immutable"
want "sync" 0 chama b sync

# Proofs: made by the owner, made by a peer of its copy.
chama a prove divisions@1 >owner.proof
chama b prove forestry/divisions@1 >peer.proof
want "the owner's holds" 0 check owner.proof
has "says who" "$out" "$a"
has "says what it calls itself" "$out" "it calls itself Forestry"
has "says what" "$out" "name: divisions"
has "says what it does not prove" "$out" "who stands behind the node id"
has "says that nobody saw it" "$out" "no witness saw it"
has "says that files were not compared" "$out" "none were compared"
want "the peer's holds" 0 check peer.proof
want "with the files" 0 check peer.proof --content v1
has "says so" "$out" "are those of this version"
has_not "and no more that they were not" "$out" "none were compared"
cp -r v1 v1-edited && echo more >>"$(find v1-edited -type f | head -n 1)"
want "with edited files" 3 check peer.proof --content v1-edited
has "names the rule" "$err" "PF12"
want "with other files" 3 check peer.proof --content one
want "with a folder that is not there" 1 check peer.proof --content nowhere
want "JSON" 0 check owner.proof --json
equal "has the facts" "$(printf %s "$out" | python3 -c 'import json,sys; d=json.load(sys.stdin); print(d["good"], d["node"], d["index"], d["record"]["name"])')" "True $a 2 divisions"

# What is not open shows nothing without --show.
chama a prove secret >card.proof
want "a card" 0 check card.proof
want "has no roots" 1 check card.proof --content one
has "says how to have them" "$err" "prove --show"
chama a prove secret --show >shown.proof
want "with the content document" 0 check shown.proof --content one
want "and other files" 3 check shown.proof --content v1
chama a prove --record 4 >sealed.proof
want "a sealed grant" 0 check sealed.proof
has_not "shows nothing" "$out" "grantee"
chama a prove --record 4 --show >grant.proof
want "shown" 0 check grant.proof
has "says to whom" "$out" "grantee: $(chama b id --json | python3 -c 'import json,sys; print(json.load(sys.stdin)["node"])')"
want "files of a grant" 2 check grant.proof --content one
want "nothing to show" 2 chama a prove divisions --show
chama b prove --node forestry --record 0 >inception.proof
want "an inception, by the copy" 0 check inception.proof
address=$(check owner.proof --json | python3 -c 'import json,sys; print(json.load(sys.stdin)["address"])')
want "by address" 0 chama b prove --record "$address"
printf '%s\n' "$out" >address.proof
same_tree "is the same" address.proof peer.proof
want "no such record" 1 chama a prove --record 99
want "no such address" 1 chama a prove --record "sha256:$(printf %064d 0)"
want "no address" 2 chama a prove --record sha256:12
want "no number" 2 chama a prove --record five
want "nothing named" 2 chama a prove
want "two things named" 2 chama a prove divisions --record 1
want "no such version" 1 chama a prove divisions@7
want "no such node" 1 chama a prove --record 0 --node nobody

# Altered, cut, mixed, and no proofs at all.
sed 's/"version":1/"version":2/' owner.proof >altered.proof
want "an altered record" 3 check altered.proof
sed '$d' owner.proof >cut.proof
want "without its signature" 3 check cut.proof
(cat owner.proof; printf '\342\200\224 x AAAAAAAAAAA=\n') >more.proof
want "with a line of nobody" 3 check more.proof
has "names the rule" "$err" "PF9"
(cat owner.proof; echo) >longer.proof
want "with one line more" 3 check longer.proof
printf 'hello\n' >none.proof
want "no proof" 3 check none.proof
: >empty.proof
want "an empty file" 3 check empty.proof
want "no file" 1 check nothing.proof

# A policy.
printf 'quorum none\n' >any.policy
want "any witness" 0 check owner.proof --policy any.policy
printf 'log sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8\nquorum none\n' >other.policy
want "another log" 3 check owner.proof --policy other.policy
printf 'witness w witness.example/w1+df1c0a35+BIE5dw6ofRdfVqNUZsNMfszLjYqRtO43ol32D1uPybOU\ngroup g all w\nquorum g\n' >strict.policy
want "a witness that has not seen it" 3 check owner.proof --policy strict.policy
has "says so" "$err" "seen by none of 1 witness"
printf 'quorum\n' >bad.policy
want "no policy" 1 check owner.proof --policy bad.policy
want "no such policy" 1 check owner.proof --policy nowhere.policy

# Statements of other types, by the numbers that they have.
want "attest" 0 chama a attest divisions@1 --type quality --result pass --note "as it should be"
chama a prove --record 5 >attestation.proof
want "an attestation" 0 check attestation.proof
has "says what it is" "$out" "what it found of a version"
has "and what it says" "$out" "note: as it should be"
want "rotate" 0 chama a keys rotate
chama a prove --record 2 >rotated.proof
want "a record by the key before" 0 check rotated.proof
has "says so" "$out" "of the 2 that it has had"
chama a prove --record 6 >rotation.proof
want "the rotation" 0 check rotation.proof
has "says what it is" "$out" "new keys in the place of those before"
sed '/^key 6 /,/^profile/{/^profile/!d}' rotated.proof >forgot.proof
want "with the rotation left out" 3 check forgot.proof

# The checkpoint that is kept covers what came before it, not what comes after.
echo two >one/file
want "publish more" 0 chama a publish secret one
want "the newest version, by a new checkpoint" 0 chama a prove secret@2
want "the copy has it not yet" 1 chama b prove forestry/secret@2

# Who has only the open part of a ledger proves what is in it.
make_node c Stranger
chama c peer add "$(chama a invite 2>/dev/null)" >/dev/null
want "sync" 0 chama c sync
chama c prove forestry/divisions@1 >sparse.proof
want "of an open version" 0 check sparse.proof --content v1
want "of the inception" 0 chama c prove --node forestry --record 0
want "of the profile" 0 chama c prove --node forestry --record 1
want "not of what it has not" 1 chama c prove --node forestry --record 3
has "says why" "$err" "only the open part"
want "nor of a version that is not open" 1 chama c prove forestry/secret
