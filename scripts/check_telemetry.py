#!/usr/bin/env python3
"""Checks that docs/telemetry.md has every name that the sources can emit: check_telemetry.py [--root DIRECTORY]; exit 1
when one is missing.

Such names are the attributes that gears register (`field("...")`), and every other literal of src/ that begins with
fluxrig. or otel. and is no path of ours. A literal that ends with a dot is a prefix: one documented name must begin with
it. What a run emits is held against the same page by tests/e2e/export.test.mjs."""

import argparse
import pathlib
import re
import sys

PAGE = "docs/telemetry.md"
FIELD = re.compile(r'\bfield\(\s*"([a-z0-9_.]+\.[a-z0-9_.]*)"')
LITERAL = re.compile(r'"((?:fluxrig|otel)\.[a-z0-9_.]+)"')
# Fields of records and names of the simulator's own, which leave no process.
SKIPPED_FOLDERS = {"sim"}
TESTS = re.compile(r"(_test|_bench|_fuzz|_fixture)\.[ch]pp$|(^|/)(test_|golden_)")


def emitted(root):
    """Name -> the first place that has it."""
    names = {}
    for file in sorted((root / "src").glob("**/*.[ch]pp")):
        path = file.relative_to(root)
        if path.parts[1] in SKIPPED_FOLDERS or TESTS.search(str(path)):
            continue
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            code = line.split("//")[0]
            for name in FIELD.findall(code) + LITERAL.findall(code):
                names.setdefault(name, f"{path}:{number}")
    return names


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parent.parent)
    root = parser.parse_args().root
    lines = (root / PAGE).read_text(encoding="utf-8").splitlines()
    documented = {name for line in lines for name in re.findall(r"`([^`]+)`", line)}
    names = emitted(root)
    complaints = [f"{place}: {PAGE} has no `{name}`" for name, place in names.items()
                  if not (any(one.startswith(name) for one in documented) if name.endswith(".") else name in documented)]
    if not names:
        complaints.append("src/: no names found")
    for line in complaints:
        print(line)
    print(f"check_telemetry: {len(names)} names, {len(complaints)} complaints")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
