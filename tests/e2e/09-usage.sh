#!/bin/sh
# Every command with wrong words, without a home, with --help.
. "$SOURCE/tests/lib.sh"

want "no command" 2 "$CHAMA"
has "prints the commands" "$err" "publish"
want "--help" 0 "$CHAMA" --help
has "prints the commands" "$out" "publish"
want "--version" 0 "$CHAMA" --version
has "names the libraries" "$out" "libgit2"
want "--version --json" 0 "$CHAMA" --version --json
want "an unknown command" 2 "$CHAMA" frobnicate
has "is named" "$err" frobnicate
want "an unknown option before the command" 2 "$CHAMA" --frobnicate ls

for command in init id publish ls show log files diff get cat drop gc serve invite peer follow unfollow sync grant revoke grants verify fsck status; do
    want "$command --help" 0 "$CHAMA" $command --help
    has "$command --help shows its use" "$out" "chama $command"
    want "$command with an unknown option" 2 chama none $command --frobnicate
    has "$command points to its help" "$err" "--help"
done
for command in "id x" "publish x" "show" "log" "files" "diff x" "get x" "cat x" "drop" "gc x" "serve x" "invite x" "peer" "peer frobnicate" "peer add" "unfollow" "grant x" "revoke x" "grants x" "fsck x" "status x" "init x --name-en N"; do
    # shellcheck disable=SC2086
    want "$command" 2 chama none $command
done
for command in id "publish x ." ls "show x" "log x" "files x" "diff x@1 x@2" "get x y" "cat x y" "drop x" gc serve invite "peer ls" "follow x" "unfollow x" sync "grant x y" "revoke x y" grants verify fsck status; do
    # shellcheck disable=SC2086
    want "$command without a node" 1 chama none $command
    has "$command says how to make one" "$err" "chama init"
done
equal "nothing was made" "$(find "$FOLDER" -name none)" ""

want "init without a name" 2 chama none init
want "init with a bad address" 2 chama none init --name-en N --listen nowhere
want "init with a bad sector" 2 chama none init --name-en N --sector X99
want "a name that is not UTF-8" 2 chama none init --name-en "$(printf '\377')"
equal "still nothing was made" "$(find "$FOLDER" -maxdepth 1 -name 'none*')" ""

make_node a Forestry
want "an unknown dataset" 1 chama a show nothing
want "a bad version" 2 chama a show 'nothing@x y'
want "an unknown peer" 1 chama a show nobody/nothing
want "sync with an unknown peer" 1 chama a sync nobody
want "sync without peers" 0 chama a sync
want "a bad invite" 2 chama a peer add 'chama://x'
want "follow of an unknown peer" 1 chama a follow 'nobody/*'
want "an expired grant" 2 chama a grant x a --until 2001-01-01
want "a grant to oneself" 2 chama a grant x "$(chama a id | head -n 1)"
printf '[node]\nlisten = nowhere\n' >a/config.ini
want "a bad configuration" 2 chama a serve
has "names the key" "$err" "[node] listen"
printf '[nodes]\nlisten = 127.0.0.1:1\n' >a/config.ini
want "an unknown key" 2 chama a serve
has "names it" "$err" "[nodes] listen"
