#!/bin/sh
# A second implementation pulls a dataset from a live node, as anybody and as an accepted peer, and refuses what was changed on the way.
. "$SOURCE/tests/lib.sh"
export PYTHONDONTWRITEBYTECODE=1
make_node a Forestry
make_node b Tourism
make_node c Stranger
pair a b
fixture v1
fixture v2
mkdir -p v2/folder/empty && ln -s ../README v2/folder/link && printf '#!/bin/sh\n' >v2/folder/run && chmod 755 v2/folder/run
head -c 700000 /dev/urandom >v2/random && head -c 900000 /dev/zero >v2/zeros && : >v2/nothing
chama a publish divisions v1 --share open >/dev/null 2>&1
chama a publish inner v1 --share none >/dev/null 2>&1
chama a publish divisions v2 >/dev/null 2>&1
start a
id=$(chama a id | head -n 1) pin=$(chama a id | sed -n 's/^tls *sha256://p')
# pull FOLDER [CERTIFICATE KEY]: at $where.
where=$(address_of a)
pull() {
    into=$1
    shift
    python3 "$SOURCE/tests/interop/puller.py" "$where" "$id" "$pin" "${dataset:-divisions}" "$into" "$@"
}

want "anybody pulls an open dataset" 0 pull sparse
has "by the open part of the ledger" "$out" "sparse ledger"
same_tree "every file, link and folder" v2 sparse
chama a files --sha256 divisions >sums
(cd sparse && sha256sum --quiet -c ../sums) >/dev/null 2>&1 && ok "the digests are those that chama states" || bad "digests"
[ -x sparse/folder/run ] && ok "the executable bit" || bad "the executable bit"
want "an accepted peer" 0 pull whole b/keys/tls.crt b/keys/tls.key
has "by the whole ledger" "$out" "whole ledger"
same_tree "the same" v2 whole
want "a stranger with a key" 0 pull stranger c/keys/tls.crt c/keys/tls.key
has "is anybody" "$out" "sparse ledger"
dataset=inner
want "what is shared with nobody" 3 pull none
has "is not there for anybody" "$err" "no such dataset is open"
want "and by the whole ledger" 3 pull none b/keys/tls.crt b/keys/tls.key
has "is seen and not open" "$err" "not open"
dataset=
right=$pin
pin=$(chama c id | sed -n 's/^tls *sha256://p')
want "another TLS key" 3 pull none
has "is no answer" "$err" "PU1"
pin=$right

echo none >mode
proxy=$(port)
python3 "$SOURCE/tests/interop/tampering.py" "$proxy" "$where" a/keys/tls.crt a/keys/tls.key b/keys/tls.crt b/keys/tls.key mode >proxy.log 2>&1 &
servers="$servers $!"
for _ in $(seq 100); do grep -q listening proxy.log && break; sleep 0.05; done
where=127.0.0.1:$proxy
want "through who changes nothing" 0 pull through
for case in edit:signature drop:PU6 reorder:R6 cut:W12 details:PU11 pages:PU12 chunks:P fewer:W15 checkpoint:PU; do
    echo "${case%%:*}" >mode
    want "whole, ${case%%:*}" 3 pull "tampered-$case"
    [ -e "tampered-$case" ] && bad "nothing is written" || ok "nothing is written"
    case ${case##*:} in signature) ;; *) has "named by its rule" "$err" "${case##*:}" ;; esac
done
# The proxy shows its own key for the caller's: now a stranger's, so that the open part comes.
proxy=$(port)
python3 "$SOURCE/tests/interop/tampering.py" "$proxy" "$(address_of a)" a/keys/tls.crt a/keys/tls.key c/keys/tls.crt c/keys/tls.key mode >stranger.log 2>&1 &
servers="$servers $!"
for _ in $(seq 100); do grep -q listening stranger.log && break; sleep 0.05; done
where=127.0.0.1:$proxy
for case in edit cut proofs checkpoint; do
    echo $case >mode
    want "sparse, $case" 3 pull "tampered-sparse-$case"
    [ -e "tampered-sparse-$case" ] && bad "nothing is written" || ok "nothing is written"
done
