#!/bin/sh
# PU30: a thief of keys that their owner has ended sets what they sign beside what the new ones signed: nobody is accused, and who knows the owner not yet can
# follow it all the same.
. "$SOURCE/tests/lib.sh"
fixture v1
kinds() {
    chama "$1" evidence --json | python3 -c 'import json, sys; print(*(e["kind"] for e in json.load(sys.stdin)))'
}
make_node forestry Forestry && make_node friend Friend && make_node new New
forger=$(chama forestry id --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["node"])')
chama forestry publish first v1 --share open >/dev/null
cp -a forestry thief
chama thief publish stolen v1 --share open >/dev/null
chama forestry publish second v1 --share open >/dev/null
want "the owner rotates" 0 chama forestry keys rotate --new-next "$FOLDER/next.new"
for i in 3 4 5; do chama forestry publish "set$i" v1 --share open >/dev/null; done
start thief && python3 -c '
import ssl, sys, urllib.request
context = ssl._create_unverified_context()
sys.stdout.buffer.write(urllib.request.urlopen("https://" + sys.argv[1] + "/v1/node", context=context, timeout=20).read())' "$(address_of forestry)" >stolen.json
stop thief
start forestry && start friend
pair forestry friend
want "a friend holds its ledger" 0 chama friend sync forestry
python3 - "$(address_of forestry)" "$forger" <<'END' || bad "making evidence ended badly"
import os, sys
sys.path.insert(0, os.path.join(os.environ["SOURCE"], "tests", "e2e"))
from hostile import *
import http.client
address, node = sys.argv[1:3]
context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE

def ask(method, path, body=None):
    connection = http.client.HTTPSConnection(address, context=context, timeout=20)
    connection.request(method, path, body)
    return json.loads(connection.getresponse().read())

with open("stolen.json", encoding="utf-8") as file:
    stolen = json.load(file)["checkpoint"]
known, compared = ask("GET", "/v1/node"), ask("POST", f"/v1/ledgers/{node}/compare", stolen.encode())
notes = [note.partition("\n\n")[0] + "\n\n" + next(line for line in note.splitlines(True) if line.startswith("— chama/" + node)) for note in (stolen, compared["checkpoint"])]
with open("evidence", "wb") as file:
    file.write(canonical({"checkpoints": notes, "hashes": compared["hashes"], "keys": [known["inception"], *known["rotations"]], "kind": "fork", "node": node,
                          "root": compared["root"], "type": "evidence/1"}))
END
want "what the thief has made is evidence" 0 chama nowhere check "$FOLDER/evidence"
has "of two histories" "$out" "it signed a checkpoint of 4 records"

# A messenger tells both of it.
cat >tell.py <<'END'
import os, sys
sys.path.insert(0, os.path.join(os.environ["SOURCE"], "tests", "e2e"))
from hostile import *
chama, folder, node = sys.argv[1:4]
with open(os.path.join(folder, "evidence"), "rb") as file:
    evidence = file.read()
messenger = Mallory(folder)
messenger.server.answer = lambda method, where, body: evidence if where.path.startswith("/v1/evidence/") else Mallory.answer(messenger, method, where, body)
messenger.reply_more.update(evidence=f"{node}/fork")
for home in ("friend", "new"):
    subprocess.run([chama, "--home", os.path.join(folder, home), "peer", "add", messenger.invite], check=True, capture_output=True)
    done = subprocess.run([chama, "--home", os.path.join(folder, home), "sync", "mallory"], check=False, capture_output=True, text=True)
    print(home, done.returncode, done.stderr.count("evidence from"))
END
want "both are told" 0 env SOURCE="$SOURCE" python3 tell.py "$CHAMA" "$FOLDER" "$forger"
has "who holds the ledger knows better" "$out" "friend 0 0"
equal "and keeps it as repudiated" "$(kinds friend)" repudiated
has_not "without an alarm" "$(chama friend status)" "ALARM"
has "who does not is warned" "$out" "new 3 1"
equal "for what it is worth" "$(kinds new)" fork
stop friend
chama new peer rm mallory >/dev/null
pair new forestry
want "the owner is followed all the same, for it has rotated since" 0 chama new sync forestry
equal "all of its ledger" "$(git -C "new/ledgers/$forger.git" rev-parse main)" "$(git -C forestry/ledger.git rev-parse main)"
equal "and the warning is over" "$(kinds new)" repudiated
has_not "in status, too" "$(chama new status)" "ALARM"
chama forestry publish more v1 --share open >/dev/null
want "as it goes on" 0 chama new sync forestry
