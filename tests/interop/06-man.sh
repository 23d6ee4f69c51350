#!/bin/sh
# chama(1) names every command, option and key of the configuration; man(1) and systemd read what is installed.
. "$SOURCE/tests/lib.sh"
page=$SOURCE/node/chama.1

if command -v man >/dev/null && command -v groff >/dev/null; then
    want "man reads the page" 0 man -l --warnings "$page"
    equal "without a warning" "$err" ""
    MANWIDTH=1000 man -l "$page" 2>/dev/null | sed 's/.\x08//g' >text
else
    sed 's/^\.[A-Z][a-z] //; s/ Ns / /g; s/\bFl -/--/g' "$page" >text
fi

# names WHAT NEEDLE
names() { grep -qF -e "$2" text && ok "$1 $2" || bad "chama.1 does not name $1 $2"; }
commands=$("$CHAMA" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p')
equal "commands were found" "$(printf '%s\n' "$commands" | grep -c .)" "$("$CHAMA" --help | grep -c '^  [a-z]')"
for command in $commands; do
    names command "$command"
    for option in $("$CHAMA" "$command" --help | grep -o -e '--[a-z0-9-]*' | sort -u); do
        names "$command" "$option"
    done
done
for verb in add ls pending accept rm; do names "peer" "peer $verb"; done

make_node a Forestry
section=
while read -r line; do
    case $line in
    \[*\]) section=$line ;;
    [a-z]*=*) names "configuration" "$section ${line%% =*}" ;;
    esac
done <a/config.ini
for variable in CHAMA_HOME CHAMA_PASSPHRASE_FILE CHAMA_PASSPHRASE CHAMA_PIN_FILE NOTIFY_SOCKET; do names environment "$variable"; done

if command -v systemd-analyze >/dev/null; then
    sed "s|^ExecStart=chama|ExecStart=$CHAMA|" "$SOURCE/node/chama.service" >chama.service
    want "systemd reads the unit" 0 systemd-analyze verify --man=no ./chama.service
    equal "without a warning" "$err" ""
fi
