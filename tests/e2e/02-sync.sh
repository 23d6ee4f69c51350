#!/bin/sh
# Two nodes over mutual TLS: ledgers, content, differences, exit statuses.
. "$SOURCE/tests/lib.sh"
fixture v1
fixture v2
json() { python3 -c "import json,sys; print(json.load(sys.stdin)$1)"; }

make_node a Forestry
make_node b Tourism
start a && start b
pair a b
want "publish" 0 chama a publish divisions v1 --share open -m first
want "sync" 0 chama b sync
want "the dataset is known" 0 chama b show forestry/divisions
has "its content is not held" "$out" "not held here"
want "get of what is not held" 1 chama b get forestry/divisions out
has "says what to do" "$err" "chama sync"
want "follow" 0 chama b follow forestry/divisions
want "following twice" 0 chama b follow forestry/divisions
want "sync --dry-run" 0 chama b sync --dry-run
has "names bytes" "$out" "would fetch"
want "get after a dry run" 1 chama b get forestry/divisions out
want "sync" 0 chama b sync --json
equal "one version came" "$(printf '%s' "$out" | json "[0]['versions']")" 1
chunks=$(printf '%s' "$out" | json "[0]['chunks']")
want "get" 0 chama b get forestry/divisions out
same_tree "the replica's checkout is what was published" v1 out
want "verify" 0 chama b verify forestry/divisions
want "a second sync" 0 chama b sync --json
equal "with nothing new is one request" "$(printf '%s' "$out" | json "[0]['requests']")" 1
equal "and fetches nothing" "$(printf '%s' "$out" | json "[0]['chunks']")" 0

want "publish the next version" 0 chama a publish divisions v2 -m second
want "sync" 0 chama b sync --json
new=$(printf '%s' "$out" | json "[0]['chunks']")
if [ "$new" -lt "$chunks" ]; then ok "only what differs travels ($new of $chunks chunks)"; else bad "all $new chunks travelled again"; fi
want "update in place" 0 chama b get forestry/divisions out
same_tree "the update is right" v2 out
want "diff at the replica" 0 chama b diff forestry/divisions@1 forestry/divisions@2
has "finds the changes" "$out" "11 changed"
want "log at the replica" 0 chama b log forestry/divisions
has "shows a valid signature" "$out" "signature valid"
equal "commits are the same on both" "$(git -C a/ledger.git rev-parse main)" "$(git -C b/ledgers/*.git rev-parse main)"
git -C b/ledgers/*.git verify-commit main 2>/dev/null && ok "git verifies the replica's commits" || bad "git verify-commit on the replica"
want "fsck at the replica" 0 chama b fsck

want "unfollow" 0 chama b unfollow forestry/divisions
want "unfollow again" 0 chama b unfollow forestry/divisions
has "says so" "$out" "was not following"
stop a
want "a sync with a peer that is away, named" 5 chama b sync forestry
has "names it" "$err" "forestry"
want "a bare sync that nobody answers" 5 chama b sync
want "what is held still verifies" 0 chama b verify forestry/divisions
want "status shows the error" 0 chama b status
has "with the peer" "$out" "forestry"
start a

# A cut in the middle: the daemon is killed while it sends, and the next sync asks only for the rest.
head -c 60000000 /dev/urandom >v2/noise.bin
want "publish something large" 0 chama a publish divisions v2
chama b follow forestry/divisions >/dev/null
chama b sync --limit-rate 20M >sync.log 2>&1 &
client=$!
sleep 0.5
kill -9 "$(cat a.pid)"
wait $client
equal "the cut sync says so" "$?" 5
rm -f a.log
start a
want "the next sync completes it" 0 chama b sync
want "get" 0 chama b get forestry/divisions out
same_tree "and it is right" v2 out
