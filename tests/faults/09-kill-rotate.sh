#!/bin/sh
# A rotation killed (SIGKILL) at moments spread over its duration: the node goes on with the old keys or the new ones, the key that it commits to is in a
# file, and the next rotation just works.
. "$SOURCE/tests/lib.sh"
. "$SOURCE/tests/faults/kill.sh"
mkdir media data
echo content >data/file
make_node a Forestry --next-key "$FOLDER/media/1.key"
current=1

# commitment FILE: what a ledger would commit to that key by.
commitment() {
    key=$(openssl pkey -in "$1" -pubout -outform DER 2>/dev/null | tail -c 32 | base64)
    printf 'ed25519:%s' "$key" | sha256sum | cut -d' ' -f1
}
committed() { chama a keys status --json | sed -n 's/.*"hash": "sha256:\([0-9a-f]*\)".*/\1/p'; }

began=$(milliseconds)
want "an undisturbed rotation, measured" 0 chama a keys rotate --next media/1.key --new-next media/2.key
duration=$(($(milliseconds) - began))
current=2
echo "# rotate takes $duration ms"
n=0 rotated=0 lost=0 problems=0 stuck=0
for moment in $(moments 50 "$duration"); do
    n=$((n + 1))
    killed "$moment" "$CHAMA" --home "$FOLDER/a" keys rotate --next "$FOLDER/media/$current.key" --new-next "$FOLDER/media/$((current + 1)).key"
    # It works at once, whatever was left; half the times fsck looks first.
    [ $((n % 2)) -eq 0 ] && { chama a fsck >.out 2>&1 || { problems=$((problems + 1)); cat .out; }; }
    echo "$n" >data/file
    chama a publish data data >.out 2>&1 || { stuck=$((stuck + 1)); cat .out; }
    want=$(committed)
    if [ -s "media/$((current + 1)).key" ] && [ "$(commitment "media/$((current + 1)).key")" = "$want" ]; then
        rotated=$((rotated + 1)) current=$((current + 1))
    elif [ "$(commitment "media/$current.key")" != "$want" ]; then
        lost=$((lost + 1))
    fi
done
echo "# of $n, $rotated were done"
equal "publishing worked after each" $stuck 0
equal "the next key was there after each" $lost 0
equal "fsck found nothing" $problems 0
[ "$rotated" -gt 5 ] && [ "$rotated" -lt $n ] && ok "kills fell before and after the record" || bad "kills fell before and after the record: $rotated of $n"
want "the next one works" 0 chama a keys rotate --next "media/$current.key" --new-next "media/$((current + 1)).key"
[ ! -e a/keys/rotating ] && ok "nothing is left over" || bad "left over" "$(ls a/keys/rotating)"
want "fsck" 0 chama a fsck
has "is clean" "$out" "0 problems"

# The same with all keys in the home.
cp "media/$((current + 1)).key" a/keys/next.key
n=0 stuck=0 lost=0
for moment in $(moments 40 "$duration"); do
    n=$((n + 1))
    killed "$moment" "$CHAMA" --home "$FOLDER/a" keys rotate
    chama a publish data data >.out 2>&1 || { stuck=$((stuck + 1)); cat .out; }
    [ "$(commitment a/keys/next.key)" = "$(committed)" ] || lost=$((lost + 1))
done
equal "publishing worked after each" $stuck 0
equal "the next key was there after each" $lost 0
want "the next one works" 0 chama a keys rotate
want "fsck" 0 chama a fsck
has "is clean" "$out" "0 problems"
