"""For 22-equivocator.sh: CHAMA FOLDER, where v and w are nodes that are each other's peers."""

import copy
import http.client
import resource
import shutil
import signal

# pylint: disable=wildcard-import,unused-wildcard-import
from hostile import *

CHAMA, FOLDER = sys.argv[1:3]
MEMORY_MAX = 80 * 1024      # KiB


def tell(good, what, *more):
    print(f"{'ok' if good else 'not ok'} - {what}", *("\n    " + str(line) for line in ([] if good else more)), sep="", flush=True)


def run(home, *words):
    done = subprocess.run([CHAMA, "--home", os.path.join(FOLDER, home), *words], capture_output=True, text=True, timeout=120, check=False)
    return done.returncode, done.stdout + done.stderr


def kinds(home):
    return " ".join(e["kind"] + ("" if e["proof"] else "?") for e in json.loads(run(home, "evidence", "--json")[1]))


def rows(home, query):
    return subprocess.run(["sqlite3", os.path.join(FOLDER, home, "state.sqlite"), query], capture_output=True, text=True, check=True).stdout.strip()


def fresh(name, source="v"):
    shutil.copytree(os.path.join(FOLDER, source), os.path.join(FOLDER, name))
    return name


class Daemon:
    def __init__(self, home):
        self.home = home
        with open(os.path.join(FOLDER, home, "log.txt"), "ab") as log:
            self.process = subprocess.Popen([CHAMA, "--home", os.path.join(FOLDER, home), "serve"], stderr=log)
        while b"listening" not in self.log():
            time.sleep(0.05)

    def log(self):
        with open(os.path.join(FOLDER, self.home, "log.txt"), "rb") as file:
            return file.read()

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        self.process.wait()
        os.rename(os.path.join(FOLDER, self.home, "log.txt"), os.path.join(FOLDER, self.home, "log.old"))


def subproof(m, leaves, whole=True):
    """RFC 9162, 2.1.4.1."""
    if m == len(leaves):
        return [] if whole else [root_of(leaves)]
    k = 1 << (len(leaves) - 1).bit_length() - 1
    if m <= k:
        return subproof(m, leaves[:k], whole) + [root_of(leaves[k:])]
    return subproof(m - k, leaves[k:], False) + [root_of(leaves[:k])]


def root_of(leaves):
    tree = merkle.Tree()
    for leaf in leaves:
        tree.add(leaf)
    return tree.root()


def base64_of(data):
    return base64.b64encode(data).decode()


def comparing(node):
    """What an honest holder of @node's ledger answers to E29."""
    def answer(_query, body):
        size, leaves = int(body.split(b"\n")[1]), node.leaves()
        said = {"checkpoint": node.note(), "type": "comparison/1"}
        if size <= len(leaves):
            said["root"] = "sha256:" + root_of(leaves[:size]).hex()
            said["hashes"] = [base64_of(step) for step in (subproof(size, leaves) if size < len(leaves) else ())]
        return canonical(said)
    return answer


def nothing(_query, _body):
    return 500, canonical({"code": "failed", "detail": "no", "status": 500, "title": "", "type": "about:blank"})


def forked(liar, notes, before=1, after=()):
    """Two histories of the liar: of inception, profile and @before records in common, then @notes each, and @after."""
    for _ in range(before):
        liar.node.add("note/1", text="common")
    one, other = liar.node, copy.deepcopy(liar.node)
    for i in range(notes):
        one.add("note/1", text=f"one {i}")
        other.add("note/1", text=f"other {i}")
    for text in after:
        one.add("note/1", text=text)
        other.add("note/1", text=text)
    return one, other


def met(home, liar):
    """A fresh @home that has what the liar shows now."""
    fresh(home)
    run(home, "peer", "add", liar.invite)
    status, said = run(home, "sync", "mallory")
    tell(status == 0, f"{home}: the first history is taken", said)


def show(liar, node, stream=None):
    """Offers @node's ledger, gives @stream for it, and says nothing when asked to compare."""
    liar.node = node
    for path, answer in (("compare", nothing), ("records", stream or (lambda query, body: node.records_stream(int(query.removeprefix("from=")))))):
        liar.overrides[f"/v1/ledgers/{node.id}/{path}"] = answer


def misfits():
    long = ["x" * 30000 + str(i) for i in range(6)]
    liar = Mallory(FOLDER)
    one, other = forked(liar, 1)
    show(liar, one)
    met("misfit", liar)
    held = len(one.records)
    for text in long:
        one.add("note/1", text=text)
        other.add("note/1", text=text)
    show(liar, other, lambda query, body: one.records_stream(held))
    status, said = run("misfit", "sync", "mallory")
    tell(status == 3 and f"its first {held + 6} records are not those of its checkpoint" in said, "records and a checkpoint of two histories are refused", said)
    tell(kinds("misfit") == "seen?", "too many to show, and the peer says nothing: an observation", kinds("misfit"))
    tell("cannot be proven" in run("misfit", "status")[1], "status says that it is no proof")
    tell(rows("misfit", "SELECT count(*) FROM heard") == "1", "PU27: the checkpoint is kept as heard")
    liar.overrides[f"/v1/ledgers/{other.id}/compare"] = comparing(other)
    fresh("misfit-asked", "misfit")
    status, said = run("misfit", "sync", "mallory")
    tell(status == 3 and kinds("misfit") == "seen? fork", "PU7: asked, the peer shows itself that these are two histories", said, kinds("misfit"))
    size = max(len(e["evidence"]) for e in json.loads(run("misfit", "evidence", "--json")[1]) if e["kind"] == "fork")
    tell(size < 4096, f"and the evidence is small: {size} bytes")
    tell("fork" in json.dumps(json.loads(run("misfit", "status", "--json")[1])["evidence"]), "status --json has it")
    # The same that was heard, from somebody who gives nothing else.
    liar.overrides["/v1/exchange"] = lambda query, body: liar.reply(ledgers=[])
    status, said = run("misfit-asked", "sync", "mallory")
    tell(status == 3 and kinds("misfit-asked") == "seen? fork", "PU27: what was heard is found out later", said, kinds("misfit-asked"))


def not_given():
    liar = Mallory(FOLDER)
    one, other = forked(liar, 2)
    show(liar, one)
    met("not-given", liar)
    other.add("note/1", text="more")
    show(liar, other, nothing)
    status, said = run("not-given", "sync", "mallory")
    tell(status != 0 and kinds("not-given") == "", "an offer that is not given is a problem, and no evidence", said, kinds("not-given"))
    tell(rows("not-given", "SELECT count(*) FROM heard") == "1", "PU27: what was offered has been signed, and is kept as heard")
    for _ in range(3):
        run("not-given", "sync", "mallory")
    tell(rows("not-given", "SELECT count(*) FROM heard") == "1", "once")
    liar.overrides[f"/v1/ledgers/{other.id}/compare"] = comparing(other)
    status, said = run("not-given", "sync", "mallory")
    tell(status == 3 and kinds("not-given") == "fork", "and gives it away", said, kinds("not-given"))


def open_parts():
    for what, more in (("of one size", 0), ("of two sizes", 2)):
        liar = Mallory(FOLDER)
        one, other = forked(liar, 2)
        for i in range(more):
            other.add("note/1", text=str(i))
        liar.whole = False
        names = f"g{more}", f"h{more}"
        for name, source, node in zip(names, ("v", "w"), (one, other)):
            liar.node = node
            fresh(name, source)
            run(name, "peer", "add", liar.invite)
            status, said = run(name, "sync", "mallory")
            tell(status == 0 and "only the open part" in said, f"{what}: {name} is shown an open part", said)
        daemon = Daemon(names[1])
        status, said = run(names[0], "sync", "w")
        if more == 0:
            tell(status == 3 and kinds(names[0]) == "fork", f"{what}: they meet, and it is found", said, kinds(names[0]))
            status, said = run(names[0], "sync", "w")
            tell(kinds(names[1]) == "fork" and b"ALARM" in daemon.log(), f"{what}: the other is told, and its log says so", said, kinds(names[1]))
        else:
            tell(status == 0 and kinds(names[0]) == "", f"{what}: they meet, and nobody can tell", said, kinds(names[0]))
            liar.node = other
            liar.overrides[f"/v1/ledgers/{other.id}/compare"] = comparing(other)
            liar.overrides["/v1/exchange"] = lambda query, body: liar.reply(ledgers=[])
            status, said = run(names[0], "sync", "mallory")
            tell(status == 3 and kinds(names[0]) == "fork", f"{what}: the owner that answers about it is found out", said, kinds(names[0]))
        daemon.stop()


def evidence_of(node, size=9):
    """EV7."""
    given = sorted((secrets.token_bytes(32) for _ in range(2)))
    return canonical({"checkpoints": [node.note(size=size, root=root) for root in given], "keys": [node.entry(0).decode()], "kind": "fork", "node": node.id, "type": "evidence/1"})


def garbage(number):
    """Of many sorts, each larger than nothing and of no worth."""
    node = Node(b"%032d" % number)
    good = evidence_of(node)
    return (good[:-1], good.replace(b"fork", b"tork"), good.replace(b"checkpoints", b"checkpoint"), b"[" * 100000, b"\xff" * 70000, secrets.token_bytes(3000),
            canonical({"type": "evidence/1", "kind": "fork", "node": node.id, "keys": [node.entry(0).decode()] * 129}),
            canonical({"type": "evidence/1", "kind": "fork", "node": node.id, "keys": [node.entry(0).decode()], "hashes": [base64_of(bytes(32))] * 64}),
            b"{" + b'"a":1,' * 80000)[number % 9]


def offered():
    """Evidence in a reply: names of any number of nodes, documents of no worth, then good ones of nodes that nobody knows."""
    liar = Mallory(FOLDER)
    show(liar, liar.node)
    met("offered", liar)
    nodes = [Node(b"%032d" % i) for i in range(1, 121)]
    documents = {n.id: garbage(i) for i, n in enumerate(nodes)}
    asked = []

    def answer(method, where, body):
        if where.path.startswith("/v1/evidence/"):
            asked.append(where.path)
            return documents.get(where.path.split("/")[3], b"{}")
        return Mallory.answer(liar, method, where, body)

    def names(many):
        return " ".join(f"{node}/fork" for node in many)

    liar.server.answer = answer
    strangers = ["".join(secrets.choice("abcdefghijklmnopqrstuvwxyz234567") for _ in range(51)) + "a" for _ in range(1000)]
    liar.reply_more.update(evidence=names(strangers))
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    status, said = run("offered", "sync", "mallory")
    tell(status == 3 and len(asked) == 32 and said.count("evidence") >= 32, "a thousand are named: 32 are asked for, and each is refused", len(asked), said[:2000])
    liar.reply_more.update(evidence=names(documents))
    for _ in range(3):
        run("offered", "sync", "mallory")
    tell(kinds("offered") == "", "nothing of it is kept", kinds("offered"))
    tell(max(before, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) < MEMORY_MAX, "in little memory", resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
    for node in nodes:
        documents[node.id] = evidence_of(node)
    for _ in range(6):
        run("offered", "sync", "mallory")
    tell(kinds("offered").split().count("fork") == 100, "PU22: of nodes that nobody follows 100 of one peer are kept", kinds("offered").count("fork"))
    documents[liar.node.id] = evidence_of(liar.node)
    liar.reply_more.update(evidence=names(list(documents) + [liar.node.id]))
    status, said = run("offered", "sync", "mallory")
    tell(status == 3 and "evidence from mallory" in said and kinds("offered").split().count("fork") == 101, "and what concerns a peer has room", said)
    status, said = run("offered", "sync", "mallory")
    tell(status == 0, "said once", said)
    others = Node(b"z" * 32)
    documents[others.id] = evidence_of(others)
    liar.reply_more.update(evidence=names([others.id]))
    tell(run("offered", "sync", "mallory")[0] == 0 and kinds("offered").split().count("fork") == 101, "no more of strangers")


def given(many):
    """Evidence that is posted: replayed, of no worth, and what stays of it after a kill."""
    liar = Mallory(FOLDER)
    show(liar, liar.node)
    met("given", liar)
    daemon = Daemon("given")
    with open(os.path.join(FOLDER, "v.address"), encoding="ascii") as file:
        host = file.read().strip()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.load_cert_chain(liar.certificate, liar.key)
    connection = http.client.HTTPSConnection(host, context=context, timeout=60)

    def post(body):
        connection.request("POST", "/v1/evidence", body)
        answer = connection.getresponse()
        answer.read()
        return answer.status

    stranger = Node()
    document = evidence_of(stranger)
    tell([post(document) for _ in range(50)] == [200] * 50, "one document, fifty times")
    tell(daemon.log().count(b"ALARM") == 1, "is one alarm", daemon.log()[-2000:])
    statuses = [post(evidence_of(stranger)) for _ in range(20)]
    tell(statuses == [200] * 20 and kinds("given") == "fork", "other documents of the same node and kind are not kept", statuses, kinds("given"))
    with open(f"/proc/{daemon.process.pid}/status", encoding="ascii") as file:
        before = next(int(line.split()[1]) for line in file if line.startswith("RssAnon"))
    bad = [garbage(i) for i in range(9)]
    begun = time.time()
    statuses = {post(bad[i % 9]) for i in range(many)}
    tell(statuses <= {400, 413}, f"{many} of no worth are refused in {time.time() - begun:.0f} s", statuses)
    with open(f"/proc/{daemon.process.pid}/status", encoding="ascii") as file:
        after = next(int(line.split()[1]) for line in file if line.startswith("RssAnon"))
    tell(after - before < 16 * 1024, f"memory stays: {before} KiB, then {after} KiB")
    tell(kinds("given") == "fork", "nothing of it is kept", kinds("given"))
    concerned = evidence_of(liar.node, 2)
    tell(post(concerned) == 200, "what concerns a peer is taken after all that")
    daemon.stop(signal.SIGKILL)
    tell(kinds("given") == "fork fork", "and is there after a kill", kinds("given"))
    tell("ALARM" in run("given", "status")[1] and liar.node.id in json.dumps(json.loads(run("given", "status", "--json")[1])["evidence"]), "in status, and in its JSON")
    daemon = Daemon("given")
    connection.close()
    tell(post(concerned) == 200 and daemon.log().count(b"ALARM") == 0, "which a daemon started anew does not sound again", daemon.log()[-2000:])
    daemon.stop()


def before_the_ledger():
    """PU23: evidence comes first, from somebody else; then the ledger."""
    liar = Mallory(FOLDER)
    for i in range(3):
        liar.node.add("note/1", text=str(i))
    fresh("early")
    messenger = Mallory(FOLDER)
    messenger.server.answer = lambda method, where, body: (evidence_of(liar.node, 4) if where.path.startswith("/v1/evidence/")
                                                           else Mallory.answer(messenger, method, where, body))
    messenger.reply_more.update(evidence=f"{liar.node.id}/fork")
    messenger.node = Node()
    messenger.node.profile(messenger.pin, "https://" + messenger.server.host)
    run("early", "peer", "add", invite(messenger.node.id, messenger.server.host, messenger.pin))
    tell(run("early", "sync", "mallory")[0] == 3 and kinds("early") == "fork", "evidence of a node that is not known", kinds("early"))
    run("early", "peer", "rm", "mallory")
    run("early", "peer", "add", liar.invite)
    status, said = run("early", "sync", "mallory")
    tell(status == 3 and "PU23" in said, "its ledger is not taken afterwards: there is no telling which", said)


misfits()
not_given()
open_parts()
offered()
given(int(os.environ.get("EVIDENCE_FLOOD", "1000")))
before_the_ledger()
