#!/usr/bin/env python3
"""Builds and runs every suite and counts: run_tests.py [SUITE...]; the last line is "N passed, N failed".

Suites: lint unit cost sim asan tsan fuzz interop e2e leaks scenario faults. A suite that crashes, hangs or counts nothing is one
failure. FLUXRIG_TEST_FAST=1 leaves out asan, tsan, fuzz, scenario and faults. Test suites (GoogleTest) whose name ends
in RealServer start servers; they run in `unit` only. Fuzzers of what comes first from outside run for 30 s, the others
for 8 s; `./dev fuzz --seconds N` is the long run. FLUXRIG_SIM_SECONDS: how long the simulator runs, from fresh seeds
(default 300). In a whole run sanitizers, fuzzers and simulator are built first, and run beside the suites with servers with
the processor that these leave."""

import argparse
import concurrent.futures
import functools
import os
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.dont_write_bytecode = True
from suites import programs, servers  # noqa: E402
from suites.harness import Totals  # noqa: E402
from suites.lint import run_lint  # noqa: E402

# Of those that run beside others the simulator begins: it takes longest, and one processor only.
SUITES = ["lint", "unit", "cost", "sim", "asan", "tsan", "fuzz", "interop", "e2e", "leaks", "scenario", "faults"]
SERVERS = ["interop", "e2e", "leaks", "scenario", "faults"]
SLOW = ["asan", "tsan", "fuzz", "scenario", "faults"]
# What is built or prepared at its turn, and may run beside the servers of later suites, which wait most of the time.
PREPARED = {"sim": servers.prepare_sim, "asan": functools.partial(programs.prepare_sanitized, "asan"),
            "tsan": functools.partial(programs.prepare_sanitized, "tsan"), "fuzz": programs.prepare_fuzz}
RUNNERS = {"lint": run_lint, "unit": programs.run_unit, "cost": programs.run_cost,
           "interop": servers.run_interop, "e2e": servers.run_e2e, "leaks": servers.run_leaks,
           "scenario": servers.run_scenario, "faults": servers.run_faults}


def count(totals, results):
    for result in results:
        totals.add(*result)


def run_suites(totals, suites, arguments):
    """One after the other, but PREPARED beside the suites with servers, when those that take longest are wanted as well."""
    start = time.monotonic()
    beside = "faults" in suites
    waiting, running = [], []
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for suite in sorted(suites, key=SUITES.index):
            print(f"[{time.monotonic() - start:4.0f} s] {suite}", flush=True)
            if suite in SERVERS:
                running += [pool.submit(lambda job: list(job(True)), job) for job in waiting]
                waiting = []
            if suite not in PREPARED:
                RUNNERS[suite](totals, arguments)
            elif job := PREPARED[suite](totals, arguments):
                waiting.append(job) if beside else count(totals, job(False))
            while running and running[0].done():
                count(totals, running.pop(0).result())
        for job in running:
            count(totals, job.result())
    print(f"[{time.monotonic() - start:4.0f} s] done")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("suites", nargs="*", metavar="SUITE", help=" ".join(SUITES))
    longer = f"{programs.FUZZ_LONGER_SECONDS} for {', '.join(sorted(programs.FUZZED_LONGER))}"
    parser.add_argument("--seconds", type=int,
                        help=f"for each fuzzer (default {longer}; {programs.FUZZ_SECONDS} for the others)")
    parser.add_argument("--fuzzer", help="only this one, such as scenario")
    parser.add_argument("--all", action="store_true",
                        help=f"asan: {' and '.join(sorted(programs.NOT_SANITIZED))} too, which take minutes more")
    arguments = parser.parse_args()
    unknown = [suite for suite in arguments.suites if suite not in SUITES]
    if unknown:
        parser.error(f"unknown suite {unknown[0]}; there are: {' '.join(SUITES)}")
    suites = arguments.suites or SUITES
    if not arguments.suites and os.environ.get("FLUXRIG_TEST_FAST") == "1":
        suites = [suite for suite in SUITES if suite not in SLOW]
        print(f"FLUXRIG_TEST_FAST=1: {', '.join(SLOW)} are left out")
    totals = Totals()
    if {"cost", "sim", *SERVERS} & set(suites) and "unit" not in suites:
        programs.build(totals, "dev")
    run_suites(totals, suites, arguments)
    print(f"{totals.passed} passed, {totals.failed} failed", flush=True)
    return 1 if totals.failed or totals.passed == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
