#!/bin/sh
# I1, I2: what must be durable before what, as the kernel sees it (strace): a pack before the index that names it, both before the record, the record before the
# report; a checkpoint before it leaves.  CO6: a checkout before it can be seen.
. "$SOURCE/tests/lib.sh"


make_node a Forestry
make_node b Tourism
mkdir data && for i in 1 2 3 4 5 6 7 8; do head -c 300000 /dev/urandom >"data/$i"; done

strace -f -y -qq -s 80 -o publish.trace -e trace=openat,fsync,fdatasync,msync,rename,renameat,renameat2,write,pwrite64,pwritev,writev,ftruncate,unlink,link,linkat \
    "$CHAMA" --home "$FOLDER/a" publish data data --share open >publish.out 2>publish.err || bad "publish under strace" "$(tail -n 5 publish.err)"
has "publish under strace reports" "$(cat publish.out)" "data@1 sha256:"
python3 "$SOURCE/tests/faults/fsync_order.py" publish publish.trace "$FOLDER/a"

# The daemon under strace: it signs a checkpoint for its first caller.
sed -i 's/^interval = 300/interval = 0/' a/config.ini
rm -f a/log/own/checkpoint
strace -f -y -qq -s 80 -o serve.trace -e trace=openat,fsync,fdatasync,rename,renameat,renameat2,write,writev,sendto,sendmsg \
    sh -c 'echo $$ >a.pid; exec "$0" --home a serve' "$CHAMA" 2>a.log &
tracer=$!
for _ in $(seq 200); do grep -q listening a.log && break; sleep 0.05; done
pair a b
want "follow" 0 chama b follow 'forestry/*'
echo new >data/new
want "publish something new" 0 chama a publish data data
strace -f -y -qq -s 80 -o sync.trace -e trace=openat,fsync,fdatasync,msync,rename,renameat,renameat2,write,pwrite64,pwritev,writev,ftruncate,unlink,link,linkat \
    "$CHAMA" --home "$FOLDER/b" sync >sync.out 2>sync.err || bad "sync under strace" "$(tail -n 5 sync.err)"
has "sync under strace reports" "$(cat sync.out)" "2 versions"
python3 "$SOURCE/tests/faults/fsync_order.py" sync sync.trace "$FOLDER/b"
kill -TERM "$(cat a.pid)"
wait "$tracer"
python3 "$SOURCE/tests/faults/fsync_order.py" serve serve.trace "$FOLDER/a"
want "what arrived verifies" 0 chama b verify

# Large enough that it is synced on the way: a hole counts for what it is long.
mkdir wide && truncate -s 1G wide/hole && echo last >wide/last
want "publish something wide" 0 chama a publish wide wide
strace -f -y -qq -s 80 -o get.trace -e trace=openat,fsync,fdatasync,syncfs,pwrite64,rename,renameat,renameat2 \
    "$CHAMA" --home "$FOLDER/a" get wide "$FOLDER/out" >get.out 2>get.err || bad "get under strace" "$(tail -n 5 get.err)"
python3 "$SOURCE/tests/faults/fsync_order.py" get get.trace "$FOLDER/out"
