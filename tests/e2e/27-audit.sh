#!/bin/sh
# chama audit: what holds is said to hold, what does not fails, in both languages, as text, JSON and a page.
. "$SOURCE/tests/lib.sh"
fixture v1
fixture v2
make_node a Forestry
make_node b Tourism
kinds() { python3 -c 'import json,sys; print(" ".join(sorted({f["kind"] for f in json.load(sys.stdin)["findings"]})))'; }
flip() { python3 -c 'import sys
with open(sys.argv[1], "r+b") as file:
    file.seek(int(sys.argv[2])); byte = file.read(1)[0]; file.seek(int(sys.argv[2])); file.write(bytes([byte ^ 1]))' "$1" "$2"; }
member() { python3 -c 'import json,sys; value = json.load(sys.stdin)
for name in sys.argv[1].split("."): value = value[int(name)] if name.isdigit() else value[name]
print(value)' "$1"; }

want "a new node" 0 chama a audit
has "its ledger holds" "$out" "good: this node: all 2 records hold"
has "and so all is well" "$out" "Everything that was looked at holds."
want "in Chinese" 0 chama a audit --lang zh
has "it says the same" "$out" "成立: 本节点: 全部 2 条记录成立"

chama a publish divisions v1 --share open -m first >/dev/null 2>&1
chama a publish secret v1 >/dev/null 2>&1
start a && start b
pair a b
chama b sync >/dev/null 2>&1 && chama a sync >/dev/null 2>&1
soon=$(date -u -d '+10 days' +%Y-%m-%d)
chama a grant secret tourism --until "$soon" --public >/dev/null 2>&1
chama a grant divisions tourism >/dev/null 2>&1
chama a revoke divisions tourism >/dev/null 2>&1
chama b sync >/dev/null 2>&1
want "grants" 0 chama a audit
has "one that is about to end is a warning" "$out" "warning: this node #4: the grant of secret to tourism ends on ${soon}T23:59:59Z"
has "one that was revoked is a note" "$out" "the grant of divisions to tourism was revoked"
has "warnings show in the sum" "$out" "0 failed, 1 warning"
want "the other node" 0 chama b audit forestry
has "does not see what is not for it" "$out" "forestry #3: sources of secret@1 stand in content that is not held here"
has_not "and looks at no other ledger" "$out" "good: this node"

chama b publish routes v2 --share open --from forestry/divisions@1 >/dev/null 2>&1
want "JSON" 0 chama b audit --json
equal "has a verdict" "$(printf '%s' "$out" | member verdict)" warning
equal "counts nodes" "$(printf '%s' "$out" | python3 -c 'import json,sys; print(len(json.load(sys.stdin)["nodes"]))')" 2
has "names kinds" "$(printf '%s' "$out" | kinds)" "grant-ends grant-revoked ledger-good lineage-absent lineage-stated"
root=$(printf '%s' "$out" | python3 -c 'import json,sys; print([n["root"] for n in json.load(sys.stdin)["nodes"] if n["name"] == "forestry"][0])')
other=$("$CHAMA" --home "$FOLDER/a" audit --json | python3 -c 'import json,sys; print([n["root"] for n in json.load(sys.stdin)["nodes"] if n["name"] == "this node"][0])')
equal "both nodes compute one root of one ledger" "$root" "$other"

want "a page" 0 chama b audit --report page.html --lang zh
want "is well-formed HTML with a picture" 0 python3 - page.html <<'PY'
import html.parser, sys
void = {"meta", "br"}
class Reader(html.parser.HTMLParser):
    def __init__(self):
        super().__init__(); self.open = []; self.seen = set(); self.outside = []
    def handle_starttag(self, tag, attributes):
        self.seen.add(tag)
        self.outside += [value for name, value in attributes if name in ("src", "href")]
        if tag not in void: self.open.append(tag)
    def handle_startendtag(self, tag, attributes): self.seen.add(tag)
    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, (tag, self.open)
        self.open.pop()
reader = Reader(); reader.feed(open(sys.argv[1], encoding="utf-8").read())
assert not reader.open, reader.open
assert {"svg", "table", "rect", "h2"} <= reader.seen, reader.seen
assert not reader.outside, reader.outside
PY
has "it is in Chinese" "$(cat page.html)" 'lang="zh-Hans"'
has "and names the node by its own name" "$(cat page.html)" "Tourism"
has "it says what to do" "$(cat page.html)" "如需继续，请及时重新授权。"
has "beside what it is about" "$(grep -A 40 "应采取的措施" page.html | head -n 40)" "将于"
has "the picture tells what marks mean" "$(cat page.html)" "授权与交付"
make_node evil '<b>Bold</b><script>alert(1)</script>' --name-zh '某某省自然资源和林业草原局"><img src=x>'
want "a node with a name that means harm" 0 chama evil audit --report evil.html
has "is shown as it is called" "$(cat evil.html)" "&lt;b&gt;Bold&lt;/b&gt;&lt;script&gt;alert(1)&lt;/script&gt;"
has_not "and not run" "$(cat evil.html)" "<script"
has_not "nor loaded" "$(cat evil.html)" "<img"

want "a language that there is not" 2 chama a audit --lang fr
equal "is refused" "$err" 'chama: --lang: want en or zh, have "fr"'
want "a node that nobody knows" 1 chama a audit nobody
want "a page that cannot be written" 1 chama a audit --report /nowhere/page.html
has "names the place" "$err" /nowhere

# What does not hold.
stop a && stop b
cp -a b whole
hashes=$(ls b/log/*/hashes | grep -v own)
flip "$hashes" 5
want "a flipped bit in the log" 3 chama b audit
has "is named" "$out" "failed: forestry"
has "and the whole fails" "$out" "Something does not hold: see what failed."
rm -rf b && cp -a whole b
pack=$(ls b/ledgers/*.git/objects/pack/*.pack | head -n 1)
chmod u+w "$pack"
flip "$pack" 300
want "a flipped bit in a record" 3 chama b audit --json
equal "is a failure in JSON, too" "$(printf '%s' "$out" | member verdict)" failed
rm -rf b && mv whole b
want "and the copy that was not touched holds" 0 chama b audit
want "with all signatures checked again, too" 0 chama b audit --full
has "it says the same" "$out" "records hold: signatures, chain, commits, Merkle root"

# Two histories.
cp -a a twin
chama a publish divisions v2 -m second >/dev/null 2>&1
start a && start b
chama b sync >/dev/null 2>&1
stop a
"$CHAMA" --home twin publish other v1 --share open >/dev/null 2>&1
mv a honest && mv twin a
start a
chama b sync forestry >/dev/null 2>&1
want "a fork" 3 chama b audit
has "is what the audit says first" "$(printf '%s\n' "$out" | head -n 1)" "failed: forestry: two histories of this ledger were signed"

# A clone by stock git, without a node.
git clone -q honest/ledger.git clone 2>/dev/null && git clone -q --bare b/ledger.git bare 2>/dev/null
want "a clone, and a bare one beside it" 0 "$CHAMA" --home "$FOLDER/nowhere" audit --clone clone --clone bare
has "all of both holds" "$(printf '%s\n' "$out" | grep -c '^good: .* records hold')" 2
want "its JSON" 0 "$CHAMA" --home "$FOLDER/nowhere" audit --json --clone clone
equal "has the root that the node has" "$(printf '%s' "$out" | member nodes.0.root)" \
    "$("$CHAMA" --home "$FOLDER/honest" audit --json | python3 -c 'import json,sys; print([n["root"] for n in json.load(sys.stdin)["nodes"] if n["name"] == "this node"][0])')"
equal "and no auditor" "$(printf '%s' "$out" | grep -c '^  "node"')" 0
want "nothing is left in the clone" 0 git -C clone status --porcelain
equal "not even a file" "$out" ""
want "a page of a clone" 0 "$CHAMA" audit --clone clone --report clone.html --lang zh
has "says that there is no node behind it" "$(cat clone.html)" "仅依据克隆的账本"
echo more >clone/profile.json
git -C clone -c user.name=x -c user.email=x@x commit -qam "a change by hand"
want "a commit by somebody else" 3 "$CHAMA" audit --clone clone
has "is no batch of records" "$err" "G8: a commit is not of the form that a batch has"
want "two clones of one ledger" 3 "$CHAMA" audit --clone bare --clone bare
has "are refused" "$err" "want one clone of each node's ledger, have a second"
mkdir empty && git init -q --bare nothing
want "a folder that is no clone" 1 "$CHAMA" audit --clone empty
equal "is refused" "$err" "chama: empty: want a clone of a ledger, have no git repository there"
want "an empty repository" 3 "$CHAMA" audit --clone nothing
has "is no ledger" "$err" "have no record on refs/heads/main"
want "nodes and clones at once" 2 chama b audit --clone bare forestry
