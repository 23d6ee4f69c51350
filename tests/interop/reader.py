#!/usr/bin/env python3
"""Verifies the home of a chama node without any of chama's code: reader.py HOME [--json].

Prints what it verified and every problem.  Exit status: 0 all as the documents say, 3 something is not, 2 usage."""

import argparse
import json
import os
import sys

sys.dont_write_bytecode = True  # where it lies may be another's

from chama.home import Home
from chama.report import Broken, Report
from chama.vectors import check_vectors


def parse_arguments():
    parser = argparse.ArgumentParser(description="Verify the home of a chama node without any of chama's code.")
    parser.add_argument("home", nargs="?", help="the folder of the node")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--vectors", metavar="FILE", help="check test vectors, too")
    parser.add_argument("--cut", metavar="MIB", type=int, default=16, help="how much content to cut into chunks again (default: 16 MiB)")
    arguments = parser.parse_args()
    if not arguments.home and not arguments.vectors:
        parser.error("want HOME or --vectors FILE")
    return arguments


def print_report(report):
    for what, number in sorted(report.counts.items()):
        print(f"{number:>12}  {what}")
    for note in report.notes:
        print(f"note: {note}")
    for problem in report.problems:
        print(f"problem: {problem}")
    print("problems:", len(report.problems))


def main():
    arguments = parse_arguments()
    report = Report()
    try:
        if arguments.vectors:
            check_vectors(arguments.vectors, report)
        if arguments.home:
            Home(os.path.abspath(arguments.home), report, arguments.cut * 1024 * 1024)
    except (Broken, OSError) as error:
        report.problem(error)
    if arguments.json:
        print(json.dumps(report.as_json(), ensure_ascii=False, indent=2))
    else:
        print_report(report)
    return 3 if report.problems else 0


if __name__ == "__main__":
    sys.exit(main())
