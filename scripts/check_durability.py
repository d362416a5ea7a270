#!/usr/bin/env python3
"""Checks that every test that docs/durability.md names exists: check_durability.py [--root DIRECTORY]; exit 1 when one does not.

A test is named as `Suite.Name` (GoogleTest), or as `tests/....mjs` with, optionally, the claim in quotes after it:
`tests/e2e/kill.test.mjs` "claim". Every row of its tables names at least one."""

import argparse
import pathlib
import re
import sys

PAGE = "docs/durability.md"
GTEST = re.compile(r"`([A-Z]\w+)\.([A-Z]\w+)`")
SCRIPT = re.compile(r"`(tests/[\w./-]+)`(?: \"([^\"]+)\")?")
TEST_MACRO = re.compile(r"\bTEST(?:_F|_P)?\(\s*(\w+)\s*,\s*(\w+)\s*\)")


def known_tests(root):
    found = set()
    for folder in ("src", "apps"):
        for file in (root / folder).glob("**/*_test.cpp"):
            found.update(TEST_MACRO.findall(file.read_text(encoding="utf-8")))
    return found


def check_line(root, number, line, tests):
    for suite, name in GTEST.findall(line):
        if (suite, name) not in tests:
            yield f"{PAGE}:{number}: there is no test {suite}.{name}"
    for path, claim in SCRIPT.findall(line):
        file = root / path
        if not file.is_file():
            yield f"{PAGE}:{number}: there is no file {path}"
        elif claim and claim not in file.read_text(encoding="utf-8").replace("\\'", "'"):
            yield f'{PAGE}:{number}: {path} has no "{claim}"'


def check(root):
    """The complaints, and how many tests the page names."""
    tests, complaints, named = known_tests(root), [], 0
    lines = (root / PAGE).read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines, 1):
        count = len(GTEST.findall(line)) + len(SCRIPT.findall(line))
        named += count
        complaints += check_line(root, number, line, tests)
        is_head = number < len(lines) and re.match(r"\|[-|: ]+\|$", lines[number])
        is_row = line.startswith("|") and not is_head and not re.match(r"\|[-|: ]+\|$", line)
        if is_row and count == 0:
            complaints.append(f"{PAGE}:{number}: a row without a test")
    return complaints, named


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parent.parent)
    complaints, named = check(parser.parse_args().root)
    for line in complaints:
        print(line)
    if named == 0:
        complaints.append("nothing named")
    print(f"check_durability: {named} tests named, {len(complaints)} complaints")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
