"""For 27-stated.sh: CHAMA FOLDER.  Two peers state all sorts of things; "v" in FOLDER is the home of who audits them."""

import json
import os
import subprocess
import sys

# pylint: disable=wildcard-import,unused-wildcard-import
from hostile import *

CHAMA, FOLDER = sys.argv[1:3]
HOME = os.path.join(FOLDER, "v")
DATA = b"q" * 5000
ROOT = sha256(leaf_page([file_item(b"a", [(sha256(DATA), len(DATA))])])[0])
OTHER = sha256(leaf_page([file_item(b"b", [(sha256(DATA), len(DATA))])])[0])
DETAILS = details(1, len(DATA), 1)
YEAR = 365 * 86400


def tell(good, what, *more):
    print(f"{'ok' if good else 'not ok'} - {what}", *("\n    " + str(line) for line in ([] if good else more)), sep="", flush=True)


def chama(*words):
    done = subprocess.run([CHAMA, "--home", HOME, *words], capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout + done.stderr


def version(node, name, number=1, root=ROOT, **members):
    """An open version; its content is fetched by nobody here."""
    return node.open_version(name, root, DETAILS, number, **members)


def source(record, name, number, node):
    return {"dataset": f"{node.id}/{name}", "manifest": record if isinstance(record, str) else str(record.address), "role": "source", "version": number}


def about(node, record, name, number=1):
    return {"dataset": f"{node.id}/{name}", "manifest": str(record.address), "version": number}


def now():
    return time.time()


def state_all(owner, receiver, auditor):
    """What is to be found of each record: (node, number) -> kind."""
    want = {}

    def expect(node, kind, record):
        want.setdefault((node.id, record.seq), set()).add(kind)
        return record

    roads = version(owner, "roads")
    expect(owner, "version-uncounted", version(owner, "roads", 5, root=OTHER, previous=str(roads.address)))
    old = version(owner, "old", root=OTHER)

    # steps of lineages
    expect(owner, "lineage-proven", version(owner, "copy", inputs=[source(roads, "roads", 1, owner)]))
    expect(owner, "lineage-stated", version(owner, "trips", root=OTHER, inputs=[source(roads, "roads", 1, owner)]))
    joined = {"kind": "join", "observed": False, "tool": "by hand"}
    expect(owner, "lineage-repeated", version(owner, "joined", root=OTHER, activity=joined, inputs=[source(roads, "roads", 1, owner)]))
    expect(owner, "lineage-broken", version(owner, "swapped", root=OTHER, inputs=[source(old, "roads", 1, owner)]))
    expect(owner, "lineage-broken", version(owner, "renamed", inputs=[source(address(b"nothing"), "roads", 1, owner)]))
    expect(owner, "lineage-missing", version(owner, "lost", inputs=[source(address(b"nothing"), "nowhere", 3, owner)]))
    expect(owner, "lineage-erased", version(owner, "late", inputs=[source(old, "old", 1, owner)]))
    expect(owner, "lineage-withheld", owner.add("manifest/1", name="secret", version=1, share="conditional", files=1, bytes=8192, content=address(b"other")))
    closed = expect(owner, "lineage-absent", owner.add("manifest/1", name="closed", version=1, share="conditional", files=1, bytes=8192, content=address(b"secret")))
    observed = {"kind": "join", "observed": True, "tool": "duckdb 1.1"}
    expect(owner, "lineage-proven", version(owner, "seen", root=OTHER, activity=observed, inputs=[source(roads, "roads", 1, owner)]))
    expect(receiver, "lineage-repeated", version(receiver, "again", root=OTHER, activity=joined, inputs=[source(roads, "roads", 1, owner)]))
    expect(owner, "erased", owner.add("erasure/1", manifest=str(old.address), reason="asked for"))
    gone = version(owner, "wrong")
    expect(owner, "withdrawn", owner.add("withdrawal/1", manifest=str(gone.address), reason="feet, not metres"))
    expect(owner, "withdrawn-in-use", version(owner, "built", inputs=[source(gone, "wrong", 1, owner)]))
    want[(owner.id, owner.records[-1].seq)].add("lineage-proven")

    # attestations
    expect(owner, "attestation-lapsed", roads)
    receiver.add("attestation/1", kind="quality", result="pass", time=stamp(now() - 2 * YEAR), until=stamp(now() - YEAR), **about(owner, roads, "roads"))
    expect(owner, "attestation-fail", roads)
    receiver.add("attestation/1", kind="review", result="fail", **about(owner, roads, "roads"))

    # grants, deliveries, receipts: of what is closed
    def grant(until, name="closed", grantee=receiver):
        return owner.add("grant/1", grantee=grantee.id if isinstance(grantee, Node) else grantee, name=name, until=stamp(until))

    def deliver(by, record, number, to=receiver.id, served=None):
        return by.add("delivery/1", grant=str(record.address), receiver=to, served=stamp(served), transfer=f"{number:032x}", **about(owner, closed, "closed"))

    def receipt(delivery, number, provider, of=closed, **changes):
        return receiver.add("receipt/1", arrived="whole", delivery=str(delivery.address), provider=provider, transfer=f"{number:032x}",
                            **{**about(owner, of, "closed"), **changes})

    good = grant(now() + YEAR)
    receipt(deliver(owner, good, 1), 1, owner.id)
    over = expect(owner, "grant-over", grant(now() - 3600))
    expect(owner, "delivery-without-grant", deliver(owner, over, 2))
    receipt(owner.records[-1], 2, owner.id)
    receipt(deliver(owner, over, 3, served=now() - 7200), 3, owner.id)
    expect(owner, "delivery-without-grant", deliver(owner, grant(now() + YEAR, "roads"), 4))
    receipt(owner.records[-1], 4, owner.id)
    revoked = expect(owner, "grant-revoked", grant(now() + YEAR))
    owner.add("revocation/1", of=str(revoked.address), time=stamp(now() - 86400))
    expect(owner, "delivery-without-grant", deliver(owner, revoked, 5))
    receipt(owner.records[-1], 5, owner.id)
    expect(receiver, "receipt-contradicts", receipt(deliver(owner, good, 6), 7, owner.id))
    expect(owner, "grant-ends", grant(now() + 86400, grantee=auditor))
    expect(owner, "receipt-owed", deliver(owner, owner.records[-1], 8, to=auditor))
    expect(receiver, "delivery-owed", receipt(good, 9, auditor))

    # records by themselves
    for _ in range(3):
        owner.add("note/1", text="x")
    expect(owner, "body-invalid", owner.add("grant/1", grantee="nobody", name="closed", until=stamp()))
    expect(owner, "time-ahead", owner.add("note/1", time=stamp(now() + 86400)))
    expect(owner, "time-backwards", owner.add("note/1", time=stamp(now() - YEAR)))
    owner.add("sealed/1", digest=address(b"x"))
    return want


def main():
    owner, receiver = Mallory(FOLDER, "owner"), Mallory(FOLDER, "receiver")
    auditor = json.loads(chama("id", "--json")[1])["node"]
    want = state_all(owner.node, receiver.node, auditor)
    for peer in (owner, receiver):
        status, said = chama("peer", "add", peer.invite)
        tell(status == 0, "a peer", said)
    status, said = chama("sync")
    tell(status == 0, "their ledgers come", said)
    status, said = chama("audit", "--json")
    report = json.loads(said[:said.rindex("}") + 1])
    tell(status == 3 and report["verdict"] == "failed", "the audit fails", status, said[-500:])
    have, whole = {}, {}
    for finding in report["findings"]:
        if "record" in finding:
            have.setdefault((finding["node"], finding["record"]), set()).add(finding["kind"])
        else:
            whole.setdefault(finding["node"], set()).add(finding["kind"])
    # every record that claims an earlier time than the one before it has that, too
    for place, kinds in have.items():
        kinds -= {"time-backwards"} - want.get(place, set())
    for place, kinds in want.items():
        tell(have.get(place, set()) == kinds, f"record {place[1]} is {' and '.join(sorted(kinds))}", sorted(have.get(place, set())))
    more = {place: kinds for place, kinds in have.items() if kinds and place not in want}
    tell(not more, "and nothing is said of the others", more)
    tell({"type-unknown", "sealed-closed", "ledger-good"} <= whole[owner.node.id], "of the ledger: unknown types, sealed statements, and that it holds", whole[owner.node.id])
    failed = {f["kind"] for f in report["findings"] if f["verdict"] == "failed"}
    tell(failed == {"lineage-broken", "delivery-without-grant", "receipt-contradicts"}, "only what is a failure fails", failed)
    order = ["failed", "warning", "note", "good"]
    verdicts = [order.index(f["verdict"]) for f in report["findings"]]
    tell(verdicts == sorted(verdicts), "the worst first")
    status, text = chama("audit")
    for words in ("and that does not hold: LI4: the address that is named is that of", "LI4: the version that is named has the address sha256:", "nowhere@3, which is not known here",
                  "another node states the same, with the same result", "a manifest that calls itself roads@5 does not continue its dataset and is no version",
                  "sources of secret@1 are not for this node to know", "sources of closed@1 stand in content that is not held here", "old@1, whose content was erased", "closed@1 was delivered to",
                  "under a grant that was not in force then, or is another's"):
        tell(words in text, f"in words: {words}", text)
    status, chinese = chama("audit", "--lang", "zh")
    tell(status == 3 and "自称 roads@5 的清单未接续其数据集，不构成版本" in chinese, "and in Chinese", chinese)
    same = json.loads(chama("audit", "--full", "--json")[1].rsplit("}", 1)[0] + "}")
    tell([f for f in same["findings"]] == [f for f in report["findings"]], "with all signatures checked again the same is found")


main()
