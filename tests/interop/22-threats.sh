#!/bin/sh
# keys/THREATS.md: every file that it names is there, every threat has a control, a place, a default and a test.
. "$SOURCE/tests/lib.sh"
threats=$SOURCE/keys/THREATS.md

grep -oE '`(keys|manifests|sync|node|tests)/[^` ]*`' "$threats" | tr -d '`' | sort -u >named
while read -r file; do
    [ -e "$SOURCE/$file" ] || bad "$file is named and not there"
done <named
ok "$(wc -l <named) files are named"
grep -q '^keys/' named && grep -q '^sync/' named && grep -q '^tests/' named && ok "of several rooms" || bad "files named" "$(cat named)"

count=$(grep -cE '^\*\*[0-9]+ ' "$threats")
for word in Control Where 'By default' Test; do
    equal "each threat has: $word" "$(grep -cE "^: \*$word\*: ." "$threats")" "$count"
done
equal "they are numbered" "$(grep -oE '^\*\*[0-9]+' "$threats" | tr -d '*' | tr '\n' ' ')" "$(seq -s ' ' "$count") "
equal "each test is a file of tests/" "$(grep '^: \*Test\*' "$threats" | grep -vcE '`tests/')" 0
for word in 'malicious peer' 'relay' 'stolen signing key' 'stolen next key' 'equivocating' 'Rollback and freeze' 'tampered store' 'eclipsed' 'clock lies' 'guessed from its hash' \
    'Onward sharing' 'replayed grant' 'Control after delivery' 'Deletion at a peer' 'Undoing a leak'; do
    grep -q "$word" "$threats" && ok "says something of: $word" || bad "says nothing of: $word"
done
