#!/bin/sh
# `chama files --sha256` is what sha256sum(1) checks, whatever the names.
. "$SOURCE/tests/lib.sh"
make_node a Forestry

mkdir -p "odd/a folder" odd/林业/数据 odd/empty
printf 1 >"odd/with space"
printf 2 >"odd/ leading and trailing "
printf 3 >"odd/$(printf 'line\nfeed')"
printf 4 >"odd/$(printf 'carriage\rreturn')"
printf 5 >'odd/back\slash'
printf 6 >'odd/back\nslash-n'
printf 7 >odd/林业/数据/森林.csv
printf 8 >"odd/$(printf '\377\376-not-utf-8')"
printf 9 >"odd/$(printf 'tab\there')"
printf 10 >'odd/*star'
printf 11 >'odd/"quotes"'
printf 12 >odd/-dash
printf 13 >"odd/$(printf 'escape\033[31m')"
: >"odd/a folder/nothing"
ln -s "with space" odd/link
chmod +x odd/-dash
want "publish" 0 chama a publish odd odd --share open
want "get" 0 chama a get odd out
same_tree "a checkout is what was published" odd out

"$CHAMA" --home "$FOLDER/a" files --sha256 odd >sums
want "sha256sum --strict" 0 sh -c 'cd out && sha256sum --strict -c ../sums'
equal "accepts every file" "$(grep -ac ': OK$' "$FOLDER/.out")" 14
(cd odd && find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sed 's|  \./|  |' | LC_ALL=C sort) >theirs
LC_ALL=C sort sums >ours
cmp -s ours theirs && ok "sha256sum writes the same lines" || bad "sha256sum writes other lines" "$(diff ours theirs)"
"$CHAMA" --home "$FOLDER/a" files --null odd >names
equal "--null has every file, link and empty folder" "$(tr -cd '\0' <names | wc -c)" 16
want "xargs takes them" 0 sh -c 'cd out && xargs -0 stat -- <../names'

printf changed >>"out/$(printf 'line\nfeed')"
want "a changed file is found" 1 sh -c 'cd out && sha256sum --strict -c ../sums'
equal "and no other" "$(grep -ac ': FAILED$' "$FOLDER/.out")" 1

fixture v1
chama a publish divisions v1 --share open >/dev/null
want "the sums that came with the data" 0 sh -c "cd v1 && sha256sum --quiet --strict -c '$SOURCE/tests/data/china-divisions/v1.sha256'"
"$CHAMA" --home "$FOLDER/a" files --sha256 divisions | LC_ALL=C sort -k2 >ours
sed 's|  \./|  |' "$SOURCE/tests/data/china-divisions/v1.sha256" | LC_ALL=C sort -k2 >theirs
cmp -s ours theirs && ok "are those of chama" || bad "are others" "$(diff ours theirs)"
