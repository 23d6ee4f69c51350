"""What was verified, and what was not as the documents say."""

from collections import Counter


class Broken(Exception):
    """Bytes that break a rule: "subject: RULE: want X, have Y"."""


class Unknown(Broken):
    """Bytes of a later version, named: not broken, but nothing that this reader can vouch for."""


def want(condition, message):
    if not condition:
        raise Broken(message)


class Report:
    def __init__(self):
        self.counts = Counter()
        self.problems = []
        self.notes = []

    def count(self, what, number=1):
        self.counts[what] += number

    def problem(self, message):
        self.problems.append(str(message))

    def note(self, message):
        """Worth saying, and no problem: a choice that the documents leave to whoever writes."""
        self.notes.append(str(message))

    def check(self, function, *arguments, subject=None):
        """Calls @function; what it finds broken becomes a problem and None."""
        try:
            return function(*arguments)
        except Broken as broken:
            self.problem(f"{subject}: {broken}" if subject else broken)
            return None

    def as_json(self):
        return {"verified": dict(sorted(self.counts.items())), "notes": self.notes, "problems": self.problems}
