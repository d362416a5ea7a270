"""Builds programs and runs them: GoogleTest, the same with sanitizers, and fuzzers."""

import concurrent.futures
import json
import re
import shutil
import subprocess

from suites import harness
from suites.harness import WORKERS, directory_of, errors_of, note_of, run, run_counted

# What anyone may send, or a person writes by hand, is fuzzed for longest. A longer run: ./dev fuzz --seconds N.
FUZZED_LONGER = {"cbor", "iso8583", "scenario", "traceparent", "wal", "yaml"}
FUZZ_LONGER_SECONDS, FUZZ_SECONDS = 30, 8
UNIT_SECONDS, SANITIZED_SECONDS, COST_SECONDS, BUILD_SECONDS = 300, 600, 300, 3600
# Left out of asan for the time they take to build and run; `./dev test asan --all` runs them too. DuckDB, which is built
# without sanitizers, gives no false reports there. With ThreadSanitizer they have not been tried.
NOT_SANITIZED = {"test_sink", "test_mixer"}
# ThreadSanitizer takes the modules whose tests run more than one thread.
THREADED = {f"test_{module}" for module in ("base", "tap", "lane", "wal", "snake", "otlp", "gear", "gear_net",
                                          "rack")}


def sanitizer_environment():
    return {
    "ASAN_OPTIONS": "detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
    "TSAN_OPTIONS": f"halt_on_error=1:second_deadlock_stack=1:suppressions={harness.ROOT}/scripts/tsan.suppressions",
}


def targets_of(directory, prefix):
    listed = subprocess.run(["ninja", "-C", str(directory), "-t", "targets", "all"], capture_output=True, text=True,
                            check=False).stdout
    return sorted(set(re.findall(rf"^bin/({prefix}[a-z0-9_]+):", listed, re.M)))


def build(totals, preset, prefix=None, left_out=frozenset(), only=None):
    """Configures and builds everything, or the programs whose names begin so. The programs, or None on failure."""
    directory, log = directory_of(preset), harness.LOGS / f"build-{preset}.log"
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


def run_gtest(preset, program, seconds, beside=False):
    """What Totals.add takes. Of a program with sanitizers the suites without servers only."""
    name = program.name.removeprefix("test_")
    log, report = harness.LOGS / f"{preset}-{name}.log", harness.LOGS / f"{preset}-{name}.json"
    report.unlink(missing_ok=True)
    command = [program, f"--gtest_output=json:{report}", "--gtest_brief=1"]
    environment = {}
    if preset != "unit":
        command.append("--gtest_filter=-*RealServer.*:*RealServer/*")
        environment = sanitizer_environment()
        if preset == "tsan" and shutil.which("setarch"):
            command = ["setarch", "-R", *command]  # gcc 12's runtime cannot live with 32 random bits of mmap
    code, duration = run(command, log, seconds, environment, beside=beside)
    passed, failed = count_gtest(report)
    if code != 0 and failed == 0:
        failed = 1  # crashed, timed out, or a sanitizer spoke
    return f"{preset}/{name}", passed, failed, duration, log, note_of(code)


def run_programs(preset, programs, seconds, beside=False):
    """For each program what Totals.add takes, in their order."""
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        for job in [pool.submit(run_gtest, preset, program, seconds, beside) for program in programs]:
            name, passed, failed, *rest = job.result()
            if passed + failed == 0 and preset != "unit":
                print(f"  none   {name}: all of its suites start servers", flush=True)
            else:
                yield name, passed, failed, *rest


def run_unit(totals, _arguments):
    programs = build(totals, "dev")
    if programs is None:
        return
    if not programs:
        totals.add("unit", 0, 1, 0, note="no test programs")
    for result in run_programs("unit", programs, UNIT_SECONDS):
        totals.add(*result)


def prepare_sanitized(preset, totals, arguments):
    """Builds; gives what runs the programs (beside others or not), or None."""
    only = THREADED if preset == "tsan" else None
    left_out = frozenset() if arguments.all else NOT_SANITIZED
    programs = build(totals, preset, prefix="test_", left_out=left_out, only=only)
    if programs is None:
        return None
    return lambda beside: run_programs(preset, programs, SANITIZED_SECONDS * (2 if beside else 1), beside)


def build_target(totals, suite, target):
    """One target of the dev build beside those that every build makes; False: it failed, and is counted."""
    log = harness.LOGS / f"build-{suite}.log"
    code, seconds = run(["ninja", "-C", directory_of("dev"), target], log, BUILD_SECONDS)
    if code != 0:
        totals.add(f"{suite}/build", 0, 1, seconds, errors_of(log), note_of(code))
    return code == 0


def run_cost(totals, _arguments):
    """The guard of instruction counts: no time is measured."""
    if build_target(totals, "cost", "bench_cost"):
        totals.add(*run_counted("cost", [harness.ROOT / "scripts" / "count_instructions.py"], COST_SECONDS))


# --- fuzzers ------------------------------------------------------------------------------------------------------

def fuzz_seconds(name, wanted):
    return wanted or (FUZZ_LONGER_SECONDS if name in FUZZED_LONGER else FUZZ_SECONDS)


def fuzz_one(program, seconds, beside):
    name = program.name.removeprefix("fuzz_")
    work = directory_of("fuzz") / "corpus" / name
    crashes = directory_of("fuzz") / "crashes"
    work.mkdir(parents=True, exist_ok=True)
    crashes.mkdir(parents=True, exist_ok=True)
    seeds = [seed for seed in harness.ROOT.glob(f"src/**/corpus/{name}") if seed.is_dir()]
    log = harness.LOGS / f"fuzz-{name}.log"
    patience = 60 if beside else 10  # for one input
    command = [program, f"-max_total_time={seconds}", f"-timeout={patience}", "-rss_limit_mb=2048",
               "-print_final_stats=1", f"-artifact_prefix={crashes}/{name}-", work, *seeds]
    code, duration = run(command, log, seconds + 120, sanitizer_environment(), beside=beside)
    executed = re.search(r"stat::number_of_executed_units:\s*(\d+)", log.read_text(errors="replace"))
    count = int(executed[1]) if executed else 0
    passed = int(code == 0 and count > 0)
    return name, passed, 1 - passed, duration, log, note_of(code) or f"{count} inputs"


def fuzz(programs, arguments, beside=False):
    """For each fuzzer what Totals.add takes."""
    seconds = {program: fuzz_seconds(program.name.removeprefix("fuzz_"), arguments.seconds) for program in programs}
    wanted = {arguments.fuzzer} if arguments.fuzzer else FUZZED_LONGER
    for name in sorted(wanted - {program.name.removeprefix("fuzz_") for program in programs}):
        yield f"fuzz/{name}", 0, 1, 0, None, "there is no such fuzzer"
    if arguments.fuzzer:
        programs = [program for program in programs if program.name == f"fuzz_{arguments.fuzzer}"]
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        longest_first = sorted(programs, key=seconds.get, reverse=True)
        for job in [pool.submit(fuzz_one, program, seconds[program], beside) for program in longest_first]:
            name, *counted = job.result()
            yield f"fuzz/{name}", *counted


def prepare_fuzz(totals, arguments):
    """Builds; gives what runs the fuzzers (beside others or not), or None."""
    programs = build(totals, "fuzz", prefix="fuzz_")
    return None if programs is None else lambda beside: fuzz(programs, arguments, beside)
