# For tests/*/NN-name.sh: `. "$SOURCE/tests/lib.sh"`.  CHAMA is the binary, SOURCE the project, FOLDER an empty folder that is the test's own.
# Every check prints "ok - what" or "not ok - what"; the test goes on, so that one run shows all that is wrong.
cd "$FOLDER" || exit 1
unset CHAMA_HOME
servers=

finish() {
    for pid in $servers; do kill "$pid" 2>/dev/null; done
    for pid in $servers; do wait "$pid" 2>/dev/null; done
}
trap finish EXIT

ok() { echo "ok - $1"; }
bad() {
    echo "not ok - $1"
    shift
    for line in "$@"; do printf '%s\n' "$line" | sed 's/^/    /'; done
}

# chama HOME ARGUMENTS...: the binary on a home below FOLDER.
chama() {
    home=$1
    shift
    "$CHAMA" --home "$FOLDER/$home" "$@"
}

# want WHAT STATUS COMMAND...: runs it; its exit status must be STATUS.  Output is left in $out and $err.
want() {
    what=$1 expected=$2
    shift 2
    "$@" >"$FOLDER/.out" 2>"$FOLDER/.err"
    status=$?
    out=$(cat "$FOLDER/.out") err=$(cat "$FOLDER/.err")
    if [ "$status" -eq "$expected" ]; then ok "$what"; else bad "$what: want exit $expected, have $status" "$out" "$err"; fi
}

# has WHAT TEXT NEEDLE: fixed string.
has() {
    case $2 in *"$3"*) ok "$1" ;; *) bad "$1: want \"$3\" in" "$2" ;; esac
}
has_not() {
    case $2 in *"$3"*) bad "$1: want no \"$3\" in" "$2" ;; *) ok "$1" ;; esac
}
equal() {
    if [ "$2" = "$3" ]; then ok "$1"; else bad "$1: want \"$3\", have \"$2\""; fi
}
same_tree() {
    if diff -r --no-dereference "$2" "$3" >"$FOLDER/.diff" 2>&1; then ok "$1"; else bad "$1" "$(head -n 20 "$FOLDER/.diff")"; fi
}

# A free port on loopback, below those that the kernel gives to connections: one of these could be taken before the daemon listens.
port() {
    python3 -c '
import random, socket
while True:
    port = random.randrange(10000, 32000)
    try:
        socket.socket().bind(("127.0.0.1", port))
    except OSError:
        continue
    print(port)
    break'
}

# make_node HOME NAME_EN [ARGUMENTS...]: a node with a free port; its address is in HOME.address.
make_node() {
    node_home=$1 node_name=$2
    shift 2
    address=127.0.0.1:$(port)
    echo "$address" >"$FOLDER/$node_home.address"
    "$CHAMA" --home "$FOLDER/$node_home" init --name-en "$node_name" --listen "$address" "$@" >"$FOLDER/$node_home.init" 2>/dev/null || bad "init of $node_name"
}
address_of() { cat "$FOLDER/$1.address"; }

# start HOME: its daemon, without rounds of its own unless config.ini was changed; waits until it listens.
start() {
    sed -i 's/^interval = 300/interval = 0/' "$FOLDER/$1/config.ini"
    "$CHAMA" --home "$FOLDER/$1" serve 2>>"$FOLDER/$1.log" &
    echo $! >"$FOLDER/$1.pid"
    servers="$servers $!"
    for _ in $(seq 100); do
        grep -q listening "$FOLDER/$1.log" 2>/dev/null && return 0
        sleep 0.05
    done
    bad "daemon of $1 does not listen" "$(cat "$FOLDER/$1.log")"
    return 1
}
stop() {
    pid=$(cat "$FOLDER/$1.pid")
    kill "$pid" 2>/dev/null
    wait "$pid" 2>/dev/null
    rm -f "$FOLDER/$1.log"
}

# pair A B: each adds the other by its invite.
pair() {
    chama "$1" peer add "$(chama "$2" invite 2>/dev/null)" >/dev/null || bad "$1 adds $2"
    chama "$2" peer add "$(chama "$1" invite 2>/dev/null)" >/dev/null || bad "$2 adds $1"
}

# fixture VERSION: unpacks a version of the data set that the project ships into a folder of that name.
fixture() {
    mkdir -p "$FOLDER/$1" && tar -C "$FOLDER/$1" --zstd -xf "$SOURCE/tests/data/china-divisions/$1.tar.zst"
}
