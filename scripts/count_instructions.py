#!/usr/bin/env python3
"""Counts the instructions of fixed work on the path of a transaction (callgrind), and looks at each one of the tap's (ptrace):
count_instructions.py [--update]

A count over the one in bench/cost/instructions.json by more than its tolerance is a failure, and so is a locked instruction, a
system call or an allocation of the tap. --update writes the counts of this run into that file: do so in the commit that changes
them, and say there why. Counts hold for one compiler, Debian 12's gcc 12, and the build of the preset dev."""

import argparse
import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = ROOT / "build" / "bin" / "bench_cost"
EXPECTED = ROOT / "bench" / "cost" / "instructions.json"
TOLERANCE = 0.03
FORBIDDEN = ("locked", "system_calls", "allocations")
CALLGRIND = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", "--collect-atstart=no",
             "--toggle-collect=fluxrig::bench::measured*"]


def output_of(command):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, timeout=600)
    if done.returncode != 0:
        sys.exit(f"count_instructions: {' '.join(str(word) for word in command)} failed: {done.stderr.strip()[-500:]}\n"
                 "0 passed, 1 failed")
    return done


def collected(stderr):
    """What callgrind says that it counted, or None."""
    found = re.search(r"Collected\s*:\s*(\d+)", stderr)
    return int(found[1]) if found and int(found[1]) > 0 else None


def judge(name, count, expected):
    """A line about one count, and whether it is good."""
    if count is None:
        return f"not ok  {name}: nothing was counted", False
    if name not in expected:
        return f"not ok  {name}: {count:,} instructions, and bench/cost/instructions.json has no count: run with --update", False
    change = count / expected[name] - 1
    if count > round(expected[name] * (1 + TOLERANCE)):
        return (f"not ok  {name}: {count:,} instructions, {change:+.1%} against {expected[name]:,}: make it cheaper, or run "
                "with --update and say in the commit why it costs more"), False
    hint = "; run with --update to keep what was gained" if change < -TOLERANCE else ""
    return f"ok      {name}: {count:,} instructions ({change:+.1%}){hint}", True


def judge_steps(steps):
    for what in FORBIDDEN:
        good = steps[what] == 0
        yield f"{'ok    ' if good else 'not ok'}  tap: {steps[what]} {what.replace('_', ' ')} in a transaction", good


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--update", action="store_true")
    arguments = parser.parse_args()
    kinds = [json.loads(line) for line in output_of([PROGRAM, "list"]).stdout.splitlines()]
    counts = {}
    for kind in kinds:
        total = collected(output_of([*CALLGRIND, PROGRAM, "run", kind["name"]]).stderr)
        counts[kind["name"]] = None if total is None else round(total / kind["times"])
    if arguments.update and None not in counts.values():
        EXPECTED.write_text(json.dumps(counts, indent=2) + "\n", encoding="utf-8")
    expected = json.loads(EXPECTED.read_text(encoding="utf-8")) if EXPECTED.exists() else {}
    lines = [judge(name, count, expected) for name, count in counts.items()]
    lines += [(f"not ok  {name}: is no workload any more: run with --update", False) for name in expected.keys() - counts.keys()]
    lines += judge_steps(json.loads(output_of([PROGRAM, "steps"]).stdout))
    for line, _ in lines:
        print(line)
    failed = sum(not good for _, good in lines)
    print(f"{len(lines) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
