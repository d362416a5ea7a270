#!/usr/bin/env python3
"""Checks that every test that docs/durability.md, docs/conformance.md and docs/telemetry.md name exists: check_durability.py
[--root DIRECTORY]; exit 1 when one does not.

A test is named as `Suite.Name` (GoogleTest), or as `tests/....mjs` with, optionally, the claim in quotes after it:
`tests/e2e/kill.test.mjs` "claim". Every row of the tables of the first two names at least one; of docs/conformance.md it
may give a reason instead: "not yet: ..." or "not applicable: ..."."""

import argparse
import pathlib
import re
import sys

# Page -> what stands in a row that names no test; None: every row must.
PAGES = {"docs/durability.md": None, "docs/conformance.md": re.compile(r"\| (not yet|not applicable): \S"),
         "docs/telemetry.md": re.compile("")}
GTEST = re.compile(r"`([A-Z]\w+)\.([A-Z]\w+)`")
SCRIPT = re.compile(r"`(tests/[\w./-]+)`(?: \"([^\"]+)\")?")
TEST_MACRO = re.compile(r"\bTEST(?:_F|_P)?\(\s*(\w+)\s*,\s*(\w+)\s*\)")


def known_tests(root):
    found = set()
    for folder in ("src", "apps"):
        for file in (root / folder).glob("**/*_test.cpp"):
            found.update(TEST_MACRO.findall(file.read_text(encoding="utf-8")))
    return found


def check_line(root, place, line, tests):
    for suite, name in GTEST.findall(line):
        if (suite, name) not in tests:
            yield f"{place}: there is no test {suite}.{name}"
    for path, claim in SCRIPT.findall(line):
        file = root / path
        if not file.is_file():
            yield f"{place}: there is no file {path}"
        elif claim and claim not in file.read_text(encoding="utf-8").replace("\\'", "'"):
            yield f'{place}: {path} has no "{claim}"'


def check_page(root, page, excuse, tests):
    """The complaints, and how many tests the page names."""
    complaints, named = [], 0
    lines = (root / page).read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines, 1):
        count = len(GTEST.findall(line)) + len(SCRIPT.findall(line))
        named += count
        complaints += check_line(root, f"{page}:{number}", line, tests)
        is_head = number < len(lines) and re.match(r"\|[-|: ]+\|$", lines[number])
        is_row = line.startswith("|") and not is_head and not re.match(r"\|[-|: ]+\|$", line)
        if is_row and count == 0 and not (excuse and excuse.search(line)):
            complaints.append(f"{page}:{number}: a row without a test")
    if named == 0:
        complaints.append(f"{page}: nothing named")
    return complaints, named


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parent.parent)
    root = parser.parse_args().root
    tests, complaints, total = known_tests(root), [], 0
    for page, excuse in PAGES.items():
        found, named = check_page(root, page, excuse, tests)
        complaints += found
        total += named
    for line in complaints:
        print(line)
    print(f"check_durability: {total} tests named, {len(complaints)} complaints")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
