#!/bin/sh
# PF1-PF12: what is handed over of each kind (version, grant, attestation, delivery, receipt, withdrawal) is checked on a machine that has no node and no network,
# and no bit of it may be another.
. "$SOURCE/tests/lib.sh"
export PYTHONDONTWRITEBYTECODE=1
json() { python3 -c "import json,sys; print(json.load(sys.stdin)$1)"; }

make_node a Forestry
make_node b Tourism
pair a b
start a && start b
mkdir 数据 && echo 一 >数据/表.csv && echo two >数据/two
chama a publish cover 数据 --share conditional >/dev/null 2>&1
chama a publish open 数据 --share open >/dev/null 2>&1
chama a grant cover tourism >/dev/null
chama a attest cover@1 --type review --result pass --note '已审核' >/dev/null 2>&1 || bad "attest"
chama b follow 'forestry/*' >/dev/null 2>&1
chama b sync >/dev/null 2>&1
chama a sync >/dev/null 2>&1
chama a withdraw open@1 --reason x --yes >/dev/null 2>&1 || chama a withdraw open@1 --reason x >/dev/null 2>&1 || bad "withdraw"
chama b sync >/dev/null 2>&1
chama a sync >/dev/null 2>&1
grant=$(chama a grants --json | json "[0]['record']")
receipt=$(chama a receipts --json | json "[0]['receipt']['record']")
delivery=$(chama a receipts --json | json "[0]['delivery']['record']")
a_log=$(chama a log cover --json >/dev/null 2>&1; git -C a/ledger.git log -p --format= | grep '^+{' | sed 's/^+//')
seq_of() { printf '%s\n' "$a_log" | grep "\"type\":\"$1\"" | tail -n 1 | sed 's/.*"seq":\([0-9]*\).*/\1/'; }

want "a version, with its content shown" 0 chama a prove cover@1 --show
printf '%s\n' "$out" >version.proof
want "a grant" 0 chama a prove --record "$grant" --show
printf '%s\n' "$out" >grant.proof
want "an attestation" 0 chama a prove --record "$(seq_of attestation/1)"
printf '%s\n' "$out" >attestation.proof
want "a withdrawal" 0 chama a prove --record "$(seq_of withdrawal/1)"
printf '%s\n' "$out" >withdrawal.proof
want "a delivery" 0 chama a prove --record "$delivery" --show
printf '%s\n' "$out" >delivery.proof
want "another's receipt" 0 chama a prove --record "$receipt" --show
printf '%s\n' "$out" >receipt.proof
want "the same, sealed" 0 chama a prove --record "$receipt"
printf '%s\n' "$out" >sealed.proof

{ echo "log $(chama a id --json | json "['log']")"; echo "log $(chama b id --json | json "['log']")"
  echo "witness a $(chama a id --json | json "['witness']")"; echo "witness b $(chama b id --json | json "['witness']")"; echo "group g any a b"; echo "quorum g"; } >policy
sed '/^log/d' policy | sed '1i log '"$(chama b id --json | json "['log']")" >other.policy

# No node, no network, nobody's home.
mkdir empty
alone() { unshare -rn env -i PATH="$PATH" HOME="$FOLDER/empty" LANG=C.UTF-8 "$CHAMA" "$@"; }
unshare -rn true 2>/dev/null || alone() { env -i PATH="$PATH" HOME="$FOLDER/empty" LANG=C.UTF-8 "$CHAMA" "$@"; }
says() { want "check of a $1" 0 alone check "$1.proof"; has "says what it is" "$out" "$2"; has "and whose" "$out" "$3"; }
says version "It proves that this node stated this" Forestry
says grant "grant" Forestry
says attestation "attestation" Forestry
says withdrawal "withdraw" Forestry
says delivery "that it delivered content" Forestry
says receipt "content arrived" Tourism
says sealed "It proves that this node stated this" Tourism
has_not "which has no word of what is sealed" "$(cat sealed.proof)" "receipt/1"
for kind in version grant attestation withdrawal delivery receipt sealed; do
    want "$kind by a policy" 0 alone check $kind.proof --policy policy
    [ "$kind" = receipt ] || [ "$kind" = sealed ] || want "$kind by a policy that has another log" 3 alone check $kind.proof --policy other.policy
done
want "with the files" 0 alone check version.proof --content 数据
has "which are those" "$out" "content"
echo more >>数据/two
want "with other files" 3 alone check version.proof --content 数据
want "files for what is none" 2 alone check attestation.proof --content 数据
want "a folder that is not there" 1 alone check version.proof --content nowhere
[ -z "$(ls -A empty)" ] && ok "nothing was written at home" || bad "written at home" "$(ls -A empty)"

# Flipped bits, here and there; and what is put before, behind or between.
python3 - "$CHAMA" <<'END'
import os, random, subprocess, sys
random.seed(11)
for kind in "version grant attestation withdrawal delivery receipt sealed".split():
    data = open(kind + ".proof", "rb").read()
    wrong = [bytearray(data) for _ in range(40)]
    for bits in wrong:
        bits[random.randrange(len(data))] ^= 1 << random.randrange(8)
    lines = data.split(b"\n")
    middle = len(lines) // 2
    wrong += [b"\n" + data, data + b"\n", data + b" ", data[:-1], data.replace(b"\n", b"\r\n"), b"\n".join(lines[:middle] + [b"free text"] + lines[middle:]),
              b"\xef\xbb\xbf" + data, data + data, b"\n".join(lines[:middle] + lines[middle + 1:])]
    taken = 0
    for i, bad in enumerate(wrong):
        open("wrong", "wb").write(bad)
        status = subprocess.run([sys.argv[1], "--home", "/nonexistent", "check", "wrong"], capture_output=True).returncode
        taken += status != 3
    print(f"{'not ok' if taken else 'ok'} - {len(wrong)} wrong forms of a {kind}, {taken} taken")
END
