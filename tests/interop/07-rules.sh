#!/bin/sh
# The numbered rules of the format documents: each is defined once, and none is named that is not defined.
. "$SOURCE/tests/lib.sh"
cd "$SOURCE" || exit 1
documents="keys/IDENTITY.md manifests/FORMAT.md sync/PROTOCOL.md sync/BUNDLE.md"
rule='(AR|AU|CH|CO|DB|EV|EX|GT|KT|LI|NM|PE|PF|PS|PU|SE|SH|TC|[ABCDEGHIKLMNPRSTVWZ])[1-9][0-9]?'

# shellcheck disable=SC2086
grep -ohE "\*\*$rule[ .*]" $documents | tr -d '*. ' | sort >"$FOLDER/defined"
equal "each rule is defined once" "$(uniq -d "$FOLDER/defined")" ""
[ "$(wc -l <"$FOLDER/defined")" -gt 200 ] && ok "there are rules" || bad "there are rules" "$(wc -l <"$FOLDER/defined")"

undefined() {  # the words of standard input that are no rule
    sort -u | comm -23 - "$FOLDER/defined"
}
equal "rules in error texts are defined" "$(grep -rhoE "[\" ]$rule: (want|the|two|no|not)" --include='*.c' keys manifests sync node | grep -oE "$rule" | undefined)" ""
equal "rules at the beginning of comments are defined" "$(grep -rhoE "/\* $rule(,|:| |$)" --include='*.[ch]' keys manifests sync node | grep -oE "$rule" | undefined)" ""
# shellcheck disable=SC2086
equal "rules in the documents are defined" "$(cat $documents | sed -E 's/`[^`]*`//g' | grep -v '^ *[A-Za-z0-9+/=]\{50,\}$' | grep -oE "(^|[ (|,-])$rule([ ),.;:|-]|$)" | grep -oE "$rule" | undefined)" ""
