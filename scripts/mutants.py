#!/usr/bin/env python3
"""Shows that the simulator finds faults: breaks a copy of the sources with each patch of tests/mutants in turn, builds
the simulator from it and runs it until a promise is broken. A mutant that survives its time is a failure.

mutants.py [--seconds N] [--from SEED] [NAME...]; exit 1 when one survives or does not apply. The copy stands in
build-mutants/tree; the checkout is never touched. The last line is "N passed, N failed"."""

import argparse
import filecmp
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
HOME = ROOT / "build-mutants"
TREE = HOME / "tree"
BUILD = HOME / "build"
PROGRAM = BUILD / "bin" / "fluxrig-sim"
COPIED = ("src/", "apps/", "examples/", "cmake/", "specs/", "docs/openapi.yaml", "tests/leaks/CMakeLists.txt",
          "CMakeLists.txt", "CMakePresets.json")
BUILD_SECONDS = 3600
FLEET = ("--fleet", "--racks", "200", "--live", "4", "--outage", "120")  # of mutants named fleet-...
FLEET_RUNS = 80  # a window below one chunk, which fleet-02 needs, comes in one run of fifteen
FLEET_SECONDS = 600
RUNS = 400  # seeds on which the unchanged code holds, disk errors included
DETAIL = 140  # characters of what the oracle says, to judge the reason by
GRACE_SECONDS = 60  # beyond its time a run hangs, and that is a way to be caught


def sources():
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True,
                            check=True).stdout.split("\n")
    return {name for name in listed if name.startswith(COPIED) and (ROOT / name).is_file()}


def synchronise(names):
    """Makes the copy equal to the checkout; a file that is equal keeps its time, so that little is built again."""
    for name in names:
        copy = TREE / name
        if copy.exists() and filecmp.cmp(ROOT / name, copy, shallow=False):
            continue
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, copy)
    for copy in TREE.rglob("*"):
        if copy.is_file() and copy.relative_to(TREE).as_posix() not in names:
            copy.unlink()


def build():
    """None, or what the compiler said."""
    environment = {**os.environ, "CCACHE_BASEDIR": str(TREE), "CCACHE_NOHASHDIR": "1"}
    if not (BUILD / "build.ninja").exists():
        (TREE / ".deps").symlink_to(ROOT / ".deps") if not (TREE / ".deps").exists() else None
        command = ["cmake", "--preset", "dev", "-S", TREE, "-B", BUILD]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
        if done.returncode != 0:
            return done.stdout + done.stderr
    done = subprocess.run(["nice", "ninja", "-C", BUILD, "fluxrig-sim"], capture_output=True, text=True, env=environment,
                          timeout=BUILD_SECONDS, check=False)
    return None if done.returncode == 0 else done.stdout[-4000:]


def simulate(first_seed, seconds, fleet=False):
    """(what it was caught by or None, seed and detail, seconds)."""
    start = time.monotonic()
    command = [PROGRAM, "--from", str(first_seed), "--seconds", str(seconds), "--failures", "1",
               "--steps", "5000", "--runs", str(RUNS), "--disk-errors"]
    if fleet:
        seconds = FLEET_SECONDS  # not a limit of the program's: the runs are what ends it
        command = [PROGRAM, *FLEET, "--from", str(first_seed), "--runs", str(FLEET_RUNS)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + GRACE_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return "a run that does not end", ("-", ""), time.monotonic() - start
    took = time.monotonic() - start
    if done.returncode == 0:
        return None, ("-", ""), took
    found = re.search(r"^seed (\d+): broken promise: (.*?): (.*)$", done.stdout, re.M)
    if found:
        return found[2], (found[1], found[3]), took
    return f"exit code {done.returncode}: {(done.stderr or done.stdout).strip()[-120:]}", ("-", ""), took


def one(patch, names, arguments):
    """The lines of the table, and whether it was caught."""
    title = patch.stem
    applied = subprocess.run(["patch", "--batch", "--forward", "--strip=1", "--no-backup-if-mismatch", "--quiet",
                              "--reject-file=-", f"--input={patch}"], cwd=TREE, capture_output=True, text=True,
                             check=False)
    try:
        if applied.returncode != 0:
            return f"  {title:34} DOES NOT APPLY: {applied.stdout.strip().splitlines()[-1:]}", False
        broken = build()
        if broken is not None:
            print(broken)
            return f"  {title:34} DOES NOT BUILD", False
        caught, (seed, detail), seconds = simulate(arguments.first, arguments.seconds, title.startswith("fleet-"))
        if caught is None:
            return f"  {title:34} SURVIVED {seconds:.0f} s", False
        return f"  {title:34} {caught:44} {seed:>6} {seconds:6.1f} s\n      {detail[:DETAIL]}", True
    finally:
        synchronise(names)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="only these, such as 03-torn-tail-stays")
    parser.add_argument("--seconds", type=int, default=120, help="for each mutant (default 120)")
    parser.add_argument("--from", type=int, default=1, dest="first", help="first of the seeds (default 1)")
    arguments = parser.parse_args()
    patches = [patch for patch in sorted(ROOT.glob("tests/mutants/*.patch"))
               if not arguments.names or patch.stem in arguments.names]
    names = sources()
    synchronise(names)
    print("building the simulator as it is", flush=True)
    broken = build()
    if broken is not None:
        print(broken)
        sys.exit("the simulator does not build")
    for fleet in (False, True):
        caught, (seed, detail), _ = simulate(arguments.first, arguments.seconds, fleet)
        if caught is not None:
            sys.exit(f"the unchanged code breaks a promise already (seed {seed}): {caught}: {detail}")
    print(f"  {'mutant':34} {'caught by':44} {'seed':>6} {'time':>8}", flush=True)
    passed = failed = 0
    for patch in patches:
        line, good = one(patch, names, arguments)
        print(line, flush=True)
        passed, failed = passed + good, failed + (not good)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
