"""Clients of a witness that is killed (tests/faults/09-kill-cosign.sh), and what no witness may ever have signed.

  cosign.py fork STATE URL URL     a log that forks: two branches at once, one to each process of the witness; ends when the witness dies, or after ROUNDS
  cosign.py push NOTE LEAVES URL   one checkpoint of a log whose leaf hashes are in LEAVES, from whatever size the witness says; the line to stdout
  cosign.py judge STATE URL        what the witness says now, and all that it ever gave

STATE is JSON: origin, key (file), vkey (of the witness), leaves (hex: what the witness is known to hold), branches (that it may hold), given (size: root).  Exit 3: broken."""

import json
import os
import random
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "interop"))
from chama.cosigning import offer, post, root, sign  # noqa: E402
from chama.notes import cosigned_at  # noqa: E402
from chama.report import Broken  # noqa: E402

ROUNDS = 400


def broken(what):
    print(f"BROKEN: {what}")
    sys.exit(3)


def take(state, leaves, note, line):
    """A signature that left the witness: it holds, and no other root of that size was ever signed."""
    try:
        if cosigned_at((note + line).encode(), state["vkey"]) is None:
            broken("a line that is not the witness's")
    except Broken as error:
        broken(str(error))
    size, mine = str(len(leaves)), root(leaves).hex()
    if state["given"].setdefault(size, mine) != mine:
        broken(f"two roots of size {size}")
    if len(leaves) < state["largest"]:
        broken(f"size {size} after {state['largest']}")
    state["largest"] = len(leaves)


def grow(leaves):
    return leaves + [os.urandom(32) for _ in range(random.randrange(1, 4))]


def settle(state, url):
    """After a kill: which of the branches does the witness hold?  Nothing that it gave may be forgotten."""
    agreed = state["leaves"]
    note = sign(state, grow(agreed))
    answer = post(url, len(agreed) - 1, [], note)
    if answer is None:
        return False
    status, body = answer
    if status != 409:
        broken(f"want 409, have {status}")
    latest = int(body)
    if latest < state["largest"]:
        broken(f"{state['largest']} was cosigned, and now it says {latest}")
    if latest == len(agreed):
        return True
    asked = [(b, offer(url, latest, b, sign(state, b))) for b in state["branches"] if len(b) == latest]
    if any(answer is None for _, answer in asked):  # killed meanwhile: the next round asks again
        return False
    held = [b for b, answer in asked if answer[0] == 200]
    if len(held) != 1:
        broken(f"it holds {latest} records of {len(held)} of the branches")
    state["leaves"] = held[0]
    return True


def one_round(state, urls):
    branches = [grow(state["leaves"]), grow(state["leaves"])]
    notes = [sign(state, b) for b in branches]
    answers = [None, None]
    state["branches"] = branches

    def run(which):
        answers[which] = offer(urls[which], len(state["leaves"]), branches[which], notes[which])

    threads = [threading.Thread(target=run, args=(i,)) for i in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    good = [i for i in range(2) if answers[i] and answers[i][0] == 200]
    for i in good:
        take(state, branches[i], notes[i], answers[i][1])
    if len(good) == 2:
        broken("both branches were cosigned")
    for answer in answers:
        if answer and answer[0] not in (200, 409):
            broken(f"want 200 or 409, have {answer}")
    if good:
        state["leaves"] = branches[good[0]]
    return None not in answers


def load(path):
    with open(path, encoding="utf-8") as file:
        state = json.load(file)
    state["leaves"] = [bytes.fromhex(h) for h in state["leaves"]]
    state["branches"] = [[bytes.fromhex(h) for h in b] for b in state["branches"]]
    return state


def save(path, state):
    state["leaves"] = [h.hex() for h in state["leaves"]]
    state["branches"] = [[h.hex() for h in b] for b in state["branches"]]
    with open(path, "w", encoding="utf-8") as file:
        json.dump(state, file)


def fork(path, *urls):
    state = load(path)
    rounds = 0
    if settle(state, urls[0]):
        while rounds < ROUNDS and one_round(state, urls):
            rounds += 1
    print(f"{rounds} rounds, {len(state['given'])} given")
    save(path, state)


def push(note_path, leaves_path, url):
    with open(note_path, encoding="utf-8") as file:
        note = file.read()
    with open(leaves_path, "rb") as file:
        data = file.read()
    size = int(note.split("\n")[1])
    leaves = [data[i * 32 : i * 32 + 32] for i in range(size)]
    old = 0
    for _ in range(8):
        answer = offer(url, old, leaves, note)
        if answer is None:
            return
        if answer[0] == 200:
            sys.stdout.write(answer[1])
            return
        if answer[0] != 409:
            broken(f"want 200 or 409, have {answer}")
        if int(answer[1]) > size:
            return
        old = int(answer[1])


def judge(path, url):
    state = load(path)
    if not settle(state, url):
        broken("the witness is not there")
    for size, given in state["given"].items():
        if root(state["leaves"][: int(size)]).hex() != given:
            broken(f"what it cosigned of {size} records is no beginning of what it holds")
    print(f"{len(state['given'])} sizes cosigned, all of one history of {len(state['leaves'])}")
    save(path, state)


random.seed(os.urandom(8))
{"fork": fork, "push": push, "judge": judge}[sys.argv[1]](*sys.argv[2:])
