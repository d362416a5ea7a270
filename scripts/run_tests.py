#!/usr/bin/env python3
"""Builds and runs every suite and counts: run_tests.py [SUITE...]; the last line is "N passed, N failed".

Suites: lint unit asan tsan fuzz interop sim e2e leaks scenario faults. A suite that crashes, hangs or counts nothing is one
failure. FLUXRIG_TEST_FAST=1 leaves out asan, tsan, fuzz, scenario and faults. Test suites (GoogleTest) whose name ends
in RealServer start servers; they run in `unit` only. Fuzzers of what comes first from outside run for 30 s, the others
for 8 s; `./dev fuzz --seconds N` is the long run. FLUXRIG_SIM_SECONDS: how long the simulator runs, from fresh seeds
(default 300). Fuzzers and simulator run beside e2e, scenario and faults, with the processor that they leave."""

import argparse
import concurrent.futures
import json
import os
import pathlib
import queue
import re
import shutil
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
LOGS = ROOT / "build" / "test-logs"
SUITES = ["lint", "unit", "asan", "tsan", "fuzz", "interop", "sim", "e2e", "leaks", "scenario", "faults"]
SLOW = ["asan", "tsan", "fuzz", "scenario", "faults"]
WORKERS = 2
# What anyone may send, or a person writes by hand, is fuzzed for longest. A longer run: ./dev fuzz --seconds N.
FUZZED_LONGER = {"cbor", "iso8583", "scenario", "traceparent", "wal", "yaml"}
FUZZ_LONGER_SECONDS, FUZZ_SECONDS = 30, 8
LEAKS_SECONDS = 240
UNIT_SECONDS, SANITIZED_SECONDS, NODE_SECONDS, E2E_SECONDS = 300, 600, 300, 900
SCENARIO_SECONDS, FAULTS_SECONDS, BUILD_SECONDS = 300, 1200, 3600
SIM_SECONDS, SIM_PATIENCE = 300, 300
SHOWN_LINES = 150
# End to end, these wait most of the time and measure none: two run at once. The others run alone.
E2E_IN_PAIRS = {"alarms", "certificates", "foreign", "ledger", "refusals", "refused_rack", "spool"}
E2E_PORTS = 15_000, 32_000  # below the ephemeral ports
# Left out of asan for the time they take to build and run; `./dev test asan --all` runs them too. DuckDB, which is built
# without sanitizers, gives no false reports there. With ThreadSanitizer they have not been tried.
NOT_SANITIZED = {"test_sink", "test_mixer"}
# ThreadSanitizer takes the modules whose tests run more than one thread.
THREADED = {f"test_{module}" for module in ("base", "tap", "lane", "wal", "snake", "otlp", "gear", "gear_net",
                                          "rack")}
SANITIZER_ENVIRONMENT = {
    "ASAN_OPTIONS": "detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
    "TSAN_OPTIONS": f"halt_on_error=1:second_deadlock_stack=1:suppressions={ROOT}/scripts/tsan.suppressions",
}


class Totals:
    def __init__(self):
        self.passed = self.failed = 0

    def add(self, name, passed, failed, seconds, log=None, note=""):
        """One line for a suite; the end of its log when something failed."""
        if passed + failed == 0:
            failed, note = 1, note or "counted nothing"
        self.passed += passed
        self.failed += failed
        word = "FAILED" if failed else "ok"
        counts = f"{passed} passed" + (f", {failed} failed" if failed else "")
        print(f"  {word:6} {name:28} {counts:24} {seconds:6.1f} s{'  ' + note if note else ''}", flush=True)
        if failed and log and log.exists():
            for line in log.read_text(encoding="utf-8", errors="replace").splitlines()[-SHOWN_LINES:]:
                print(f"    | {line}")
            print(f"    (all of it: {log.relative_to(ROOT)})", flush=True)


def run(command, log, seconds, environment=None, cwd=ROOT):
    """Return code (None: timed out) and duration; the output goes to the log. Ends only its own process group."""
    start = time.monotonic()
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, "wb") as output:
        process = subprocess.Popen([str(word) for word in command], stdout=output, stderr=subprocess.STDOUT, cwd=cwd,
                                   stdin=subprocess.DEVNULL, env={**os.environ, **(environment or {})},
                                   start_new_session=True)
        try:
            code = process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            process.wait()
            code = None
            output.write(f"\nkilled after {seconds} s\n".encode())
    return code, time.monotonic() - start


def note_of(code):
    return "timed out" if code is None else "" if code in (0, 1) else f"exit code {code}"


# --- lint: what is quick to check ---------------------------------------------------------------------------------

def run_lint(totals, _arguments):
    code, seconds = run([sys.executable, "scripts/check_includes.py", "--quiet"], LOGS / "includes.log", 120)
    totals.add("lint/includes", int(code == 0), int(code != 0), seconds, LOGS / "includes.log", note_of(code))
    code, seconds = run([sys.executable, "scripts/check_durability.py"], LOGS / "durability.log", 120)
    totals.add("lint/durability", int(code == 0), int(code != 0), seconds, LOGS / "durability.log", note_of(code))
    code, seconds = run([ROOT / "tests" / "check_imports.mjs"], LOGS / "imports.log", 120)
    totals.add("lint/imports", int(code == 0), int(code != 0), seconds, LOGS / "imports.log", note_of(code))
    for test in sorted(ROOT.glob("scripts/*_test.py")):
        log = LOGS / f"{test.stem}.log"
        code, seconds = run([sys.executable, test], log, 120)
        ran = re.search(r"^Ran (\d+) tests?", log.read_text(errors="replace"), re.M)
        wrong = sum(int(n) for n in re.findall(r"(?:failures|errors)=(\d+)", log.read_text(errors="replace")))
        count = int(ran[1]) if ran else 0
        failed = wrong if code == 1 and wrong else int(code != 0)
        totals.add(f"lint/{test.stem}", max(count - failed, 0), failed, seconds, log, note_of(code))
    if shutil.which("clang-format"):
        files = [file for folder in ("src", "apps", "examples", "bench") for file in ROOT.glob(f"{folder}/**/*.[ch]pp")]
        log = LOGS / "format.log"
        code, seconds = run(["clang-format", "--dry-run", "--Werror", *sorted(files)], log, 300)
        wrong = sorted(set(re.findall(r"^(\S+?):\d+:\d+: error", log.read_text(errors="replace"), re.M)))
        if wrong:
            log.write_text("".join(f"{pathlib.Path(file).relative_to(ROOT)}: run ./dev format\n" for file in wrong))
        totals.add("lint/format", int(code == 0), int(code != 0), seconds, log, note_of(code))


# --- building -----------------------------------------------------------------------------------------------------

def directory_of(preset):
    return ROOT / ("build" if preset == "dev" else f"build-{preset}")


def targets_of(directory, prefix):
    listed = subprocess.run(["ninja", "-C", str(directory), "-t", "targets", "all"], capture_output=True, text=True,
                            check=False).stdout
    return sorted(set(re.findall(rf"^bin/({prefix}[a-z0-9_]+):", listed, re.M)))


def errors_of(log):
    """A log beside that of a build, without the lines of ninja's progress: the errors, and all that cmake says."""
    errors = log.with_suffix(".errors.log")
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
    errors.write_text("".join(line for line in lines if not re.match(r"\[\d+/\d+\] ", line)), encoding="utf-8")
    return errors


def build(totals, preset, prefix=None, left_out=frozenset(), only=None):
    """Configures and builds everything, or the programs whose names begin so. The programs, or None on failure."""
    directory, log = directory_of(preset), LOGS / f"build-{preset}.log"
    print(f"  building {directory.name}", flush=True)
    code, seconds = run(["cmake", "--preset", preset], log, 300)
    targets = []
    if code == 0:
        found = targets_of(directory, prefix or "test_")
        targets = [target for target in found if target not in left_out and (only is None or target in only)]
        wanted = [f"bin/{target}" for target in targets] if prefix else []
        code, more = run(["ninja", "-C", directory, "-k", "20", *wanted], log, BUILD_SECONDS)
        seconds += more
    if code != 0:
        totals.add(f"{preset}/build", 0, 1, seconds, errors_of(log), note_of(code))
        return None
    print(f"  built    {directory.name:28} {'':24} {seconds:6.1f} s", flush=True)
    return [directory / "bin" / target for target in targets]


# --- GoogleTest ---------------------------------------------------------------------------------------------------

def count_gtest(report):
    try:
        tree = json.loads(report.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return 0, 0
    passed = failed = 0
    for suite in tree.get("testsuites", []):
        for test in suite.get("testsuite", []):
            if test.get("status") != "RUN" or test.get("result") == "SKIPPED":
                continue
            failed += bool(test.get("failures"))
            passed += not test.get("failures")
    return passed, failed


def run_gtest(preset, program, seconds, only_serverless):
    name = program.name.removeprefix("test_")
    log, report = LOGS / f"{preset}-{name}.log", LOGS / f"{preset}-{name}.json"
    report.unlink(missing_ok=True)
    command = [program, f"--gtest_output=json:{report}", "--gtest_brief=1"]
    environment = {}
    if only_serverless:
        command.append("--gtest_filter=-*RealServer.*:*RealServer/*")
        environment = SANITIZER_ENVIRONMENT
        if preset == "tsan" and shutil.which("setarch"):
            command = ["setarch", "-R", *command]  # gcc 12's runtime cannot live with 32 random bits of mmap
    code, duration = run(command, log, seconds, environment)
    passed, failed = count_gtest(report)
    if code != 0 and failed == 0:
        failed = 1  # crashed, timed out, or a sanitizer spoke
    return name, passed, failed, duration, log, note_of(code)


def run_programs(totals, preset, programs, seconds, only_serverless):
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        jobs = [pool.submit(run_gtest, preset, program, seconds, only_serverless) for program in programs]
        for job in jobs:
            name, passed, failed, duration, log, note = job.result()
            if passed + failed == 0 and only_serverless:
                print(f"  none   {preset}/{name}: all of its suites start servers", flush=True)
                continue
            totals.add(f"{preset}/{name}", passed, failed, duration, log, note)


def run_unit(totals, _arguments):
    programs = build(totals, "dev")
    if programs is None:
        return
    if not programs:
        totals.add("unit", 0, 1, 0, note="no test programs")
    run_programs(totals, "unit", programs, UNIT_SECONDS, only_serverless=False)


def run_sanitized(totals, preset, arguments):
    only = THREADED if preset == "tsan" else None
    left_out = frozenset() if arguments.all else NOT_SANITIZED
    programs = build(totals, preset, prefix="test_", left_out=left_out, only=only)
    if programs is not None:
        run_programs(totals, preset, programs, SANITIZED_SECONDS, only_serverless=True)


# --- fuzzers ------------------------------------------------------------------------------------------------------

def fuzz_seconds(name, wanted):
    return wanted or (FUZZ_LONGER_SECONDS if name in FUZZED_LONGER else FUZZ_SECONDS)


def idle(beside):
    """Words before a command that runs beside suites with servers: it gets the processor that they leave."""
    return ["chrt", "--idle", "0"] if beside else []


def fuzz_one(program, seconds, beside):
    name = program.name.removeprefix("fuzz_")
    work = directory_of("fuzz") / "corpus" / name
    crashes = directory_of("fuzz") / "crashes"
    work.mkdir(parents=True, exist_ok=True)
    crashes.mkdir(parents=True, exist_ok=True)
    seeds = [seed for seed in ROOT.glob(f"src/**/corpus/{name}") if seed.is_dir()]
    log = LOGS / f"fuzz-{name}.log"
    patience = 60 if beside else 10  # for one input
    command = [*idle(beside), program, f"-max_total_time={seconds}", f"-timeout={patience}", "-rss_limit_mb=2048",
               "-print_final_stats=1", f"-artifact_prefix={crashes}/{name}-", work, *seeds]
    code, duration = run(command, log, seconds + 120, SANITIZER_ENVIRONMENT)
    executed = re.search(r"stat::number_of_executed_units:\s*(\d+)", log.read_text(errors="replace"))
    count = int(executed[1]) if executed else 0
    passed = int(code == 0 and count > 0)
    return name, passed, 1 - passed, duration, log, note_of(code) or f"{count} inputs"


def fuzz(programs, arguments, beside=False):
    """For each fuzzer what Totals.add takes."""
    seconds = {program: fuzz_seconds(program.name.removeprefix("fuzz_"), arguments.seconds) for program in programs}
    wanted = {arguments.fuzzer} if arguments.fuzzer else FUZZED_LONGER
    results = [(f"fuzz/{name}", 0, 1, 0, None, "there is no such fuzzer")
               for name in sorted(wanted - {program.name.removeprefix("fuzz_") for program in programs})]
    if arguments.fuzzer:
        programs = [program for program in programs if program.name == f"fuzz_{arguments.fuzzer}"]
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        longest_first = sorted(programs, key=seconds.get, reverse=True)
        for job in [pool.submit(fuzz_one, program, seconds[program], beside) for program in longest_first]:
            name, *counted = job.result()
            results.append((f"fuzz/{name}", *counted))
    return results


def run_fuzz(totals, arguments):
    programs = build(totals, "fuzz", prefix="fuzz_")
    for result in fuzz(programs, arguments) if programs is not None else []:
        totals.add(*result)


# --- Node and end to end ------------------------------------------------------------------------------------------

def run_interop(totals, _arguments):
    tests = sorted(ROOT.glob("tests/interop/*.test.mjs"))
    if not tests:
        print("  none   interop: there are no tests/interop/*.test.mjs", flush=True)
        return
    for test in tests:
        log = LOGS / f"interop-{test.name.removesuffix('.test.mjs')}.log"
        code, seconds = run(["node", "--test", "--test-reporter=tap", test], log, NODE_SECONDS, cwd=ROOT / "tests")
        text = log.read_text(errors="replace")
        passed, failed = (sum(int(n) for n in re.findall(rf"^# {word} (\d+)$", text, re.M)) for word in ("pass", "fail"))
        totals.add(f"interop/{test.name.removesuffix('.test.mjs')}", passed, failed or int(code != 0), seconds, log,
                   note_of(code))


def run_counted(name, command, limit, environment=None):
    """Runs a script whose last line is "N passed, N failed"; what Totals.add takes."""
    log = LOGS / f"{name.replace('/', '-')}.log"
    code, seconds = run(command, log, limit, environment)
    lines = log.read_text(errors="replace").strip().splitlines()
    counts = re.fullmatch(r"(\d+) passed, (\d+) failed", lines[-1].strip()) if lines else None
    passed, failed = (int(counts[1]), int(counts[2])) if counts else (0, 1)
    return name, passed, failed or int(code != 0), seconds, log, note_of(code)


def run_faults(totals, _arguments):
    script = ROOT / "tests" / "faults" / "faults.mjs"
    totals.add(*run_counted("faults/short", [script, "--short"], FAULTS_SECONDS))


def run_leaks(totals, _arguments):
    log = LOGS / "build-unsanitised.log"
    code, seconds = run(["ninja", "-C", directory_of("dev"), "unsanitised"], log, BUILD_SECONDS)
    if code != 0:
        totals.add("leaks/build", 0, 1, seconds, errors_of(log), note_of(code))
        return
    totals.add(*run_counted("leaks/short", [ROOT / "tests" / "leaks" / "leaks.mjs"], LEAKS_SECONDS))


def run_scenario(totals, _arguments):
    for test in sorted(ROOT.glob("tests/scenario/*.test.mjs")):
        totals.add(*run_counted(f"scenario/{test.name.removesuffix('.test.mjs')}", ["node", test], NODE_SECONDS))
    script = ROOT / "tests" / "scenario" / "pressure.mjs"
    totals.add(*run_counted("scenario/pressure", [script, "--short", "--seed", "1"], SCENARIO_SECONDS))


def simulate(beside):
    """A list of what Totals.add takes."""
    wanted = os.environ.get("FLUXRIG_SIM_SECONDS") or str(SIM_SECONDS)
    log = LOGS / "sim.log"
    code, seconds = run([*idle(beside), directory_of("dev") / "bin" / "fluxrig-sim", "--seconds", wanted], log,
                        int(wanted) + SIM_PATIENCE)
    lines = log.read_text(errors="replace").strip().splitlines()
    last = lines[-1] if lines else ""
    counts = re.match(r"(\d+) runs, .* (\d+) failures, seeds", last)
    runs, failed = (int(counts[1]), int(counts[2])) if counts else (0, 1)
    return [("sim", max(runs - failed, 0), failed or int(code != 0), seconds, log, note_of(code) or last)]


def run_suites(totals, suites, arguments):
    """One after the other; but fuzzers and simulator beside the servers of those after them, which wait most of the time."""
    start = time.monotonic()
    servers = "faults" in suites
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        beside = []
        for suite in suites:
            print(f"[{time.monotonic() - start:4.0f} s] {suite}", flush=True)
            if suite == "sim":
                beside.append(pool.submit(simulate, servers))
            elif suite == "fuzz" and servers:
                programs = build(totals, "fuzz", prefix="fuzz_")
                if programs is not None:
                    beside.append(pool.submit(fuzz, programs, arguments, beside=True))
            else:
                RUNNERS[suite](totals, arguments)
        for job in beside:
            for result in job.result():
                totals.add(*result)
    print(f"[{time.monotonic() - start:4.0f} s] done")


def e2e_name(test):
    return test.name.split(".test.")[0]


def port_ranges(count):
    """One for each worker, so that no two suites pick the same port."""
    ranges = queue.SimpleQueue()
    first, last = E2E_PORTS
    size = (last - first) // count
    for part in range(count):
        ranges.put(f"{first + part * size}-{first + (part + 1) * size}")
    return ranges


def run_e2e(totals, _arguments):
    tests = sorted(file for suffix in ("sh", "mjs") for file in ROOT.glob(f"tests/e2e/*.test.{suffix}"))
    if not tests:
        print("  none   e2e: there are no tests/e2e/*.test.{sh,mjs}", flush=True)
    ports = port_ranges(WORKERS)

    def run_one(test):
        mine = ports.get()
        try:
            return run_counted(f"e2e/{e2e_name(test)}", [test], E2E_SECONDS, {"FLUXRIG_E2E_PORTS": mine})
        finally:
            ports.put(mine)

    for test in [test for test in tests if not os.access(test, os.X_OK)]:  # passed over, it would look like one that passes
        totals.add(f"e2e/{e2e_name(test)}", 0, 1, 0, note="is not executable: chmod +x")
    runnable = [test for test in tests if os.access(test, os.X_OK)]
    for in_pairs, workers in ((True, WORKERS), (False, 1)):
        with concurrent.futures.ThreadPoolExecutor(workers) as pool:
            jobs = [pool.submit(run_one, test) for test in runnable if (e2e_name(test) in E2E_IN_PAIRS) == in_pairs]
            for job in jobs:
                totals.add(*job.result())


RUNNERS = {"lint": run_lint, "unit": run_unit, "fuzz": run_fuzz, "interop": run_interop, "e2e": run_e2e,
           "leaks": run_leaks, "scenario": run_scenario, "faults": run_faults,
           "asan": lambda totals, arguments: run_sanitized(totals, "asan", arguments),
           "tsan": lambda totals, arguments: run_sanitized(totals, "tsan", arguments)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("suites", nargs="*", metavar="SUITE", help=" ".join(SUITES))
    parser.add_argument("--seconds", type=int, help="for each fuzzer (default "
                        f"{FUZZ_LONGER_SECONDS} for {', '.join(sorted(FUZZED_LONGER))}; {FUZZ_SECONDS} for the others)")
    parser.add_argument("--fuzzer", help="only this one, such as scenario")
    parser.add_argument("--all", action="store_true",
                        help=f"asan: {' and '.join(sorted(NOT_SANITIZED))} too, which take minutes more")
    arguments = parser.parse_args()
    unknown = [suite for suite in arguments.suites if suite not in SUITES]
    if unknown:
        parser.error(f"unknown suite {unknown[0]}; there are: {' '.join(SUITES)}")
    suites = arguments.suites or SUITES
    if not arguments.suites and os.environ.get("FLUXRIG_TEST_FAST") == "1":
        suites = [suite for suite in SUITES if suite not in SLOW]
        print(f"FLUXRIG_TEST_FAST=1: {', '.join(SLOW)} are left out")
    totals = Totals()
    if {"interop", "sim", "e2e", "leaks", "scenario", "faults"} & set(suites) and "unit" not in suites:
        build(totals, "dev")
    run_suites(totals, suites, arguments)
    print(f"{totals.passed} passed, {totals.failed} failed", flush=True)
    return 1 if totals.failed or totals.passed == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
