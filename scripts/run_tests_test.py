#!/usr/bin/env python3
"""What run_tests.py counts: a test runner that reports success by mistake hides every other mistake."""

import argparse
import contextlib
import io
import json
import pathlib
import stat
import sys
import tempfile
import unittest
import unittest.mock

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.dont_write_bytecode = True
import run_tests  # noqa: E402
from suites import harness, programs, servers  # noqa: E402


def quietly(function, *arguments):
    with contextlib.redirect_stdout(io.StringIO()):
        return function(*arguments)


class Counting(unittest.TestCase):
    GTEST_REPORT = ('for a in "$@"; do case $a in --gtest_output=json:*) out=${a#*json:};; esac; done\n'
                    'echo \'{"testsuites":[{"testsuite":[{"status":"RUN","result":"COMPLETED"}]}]}\' > "$out"\n')

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.root = pathlib.Path(directory.name)
        self.saved = harness.ROOT, harness.LOGS
        harness.ROOT, harness.LOGS = self.root, self.root / "logs"
        self.addCleanup(self.restore)

    def restore(self):
        harness.ROOT, harness.LOGS = self.saved

    def program(self, path, body):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("#!/bin/sh\n" + body, encoding="utf-8")
        file.chmod(file.stat().st_mode | stat.S_IXUSR)
        return file

    def e2e(self, body):
        self.program("tests/e2e/one.test.sh", body)
        totals = harness.Totals()
        quietly(servers.run_e2e, totals, None)
        return totals.passed, totals.failed

    def test_takes_the_counts_of_an_end_to_end_suite_from_its_last_line(self):
        self.assertEqual(self.e2e("echo noise; echo 3 passed, 0 failed"), (3, 0))
        self.assertEqual(self.e2e("echo 3 passed, 2 failed; exit 1"), (3, 2))

    def test_counts_a_failure_when_the_exit_code_contradicts_the_counts(self):
        self.assertEqual(self.e2e("echo 3 passed, 0 failed; exit 1"), (3, 1))

    def test_counts_a_failure_for_a_suite_that_crashes_or_says_nothing(self):
        self.assertEqual(self.e2e("kill -9 $$"), (0, 1))
        self.assertEqual(self.e2e("true"), (0, 1))
        self.assertEqual(self.e2e("echo 0 passed, 0 failed"), (0, 1))

    def test_counts_the_tests_of_the_scenarios_and_the_short_scenario(self):
        self.program("tests/scenario/proof.test.mjs", "").write_text("console.log('2 passed, 1 failed');process.exit(1)")
        self.program("tests/scenario/pressure.mjs", "echo 16 passed, 0 failed")
        totals = harness.Totals()
        quietly(servers.run_scenario, totals, None)
        self.assertEqual((totals.passed, totals.failed), (18, 1))

    def test_shows_the_errors_of_a_build_and_not_its_progress(self):
        log = self.root / "build-dev.log"
        log.write_text("[1/3] Building a.o\nFAILED: a.o\na.cpp:1: error: no\n[2/3] Building b.o\nninja: stopped\n")
        self.assertEqual(harness.errors_of(log).read_text(), "FAILED: a.o\na.cpp:1: error: no\nninja: stopped\n")

    def test_counts_the_short_faults(self):
        self.program("tests/faults/faults.mjs", "echo 67 passed, 0 failed")
        totals = harness.Totals()
        quietly(servers.run_faults, totals, None)
        self.assertEqual((totals.passed, totals.failed), (67, 0))

    def test_counts_the_runs_of_the_simulator_and_its_failures(self):
        said = "12 runs, 40 crash points (9 an hour), 3 faults, 1 failures, seeds 1 to 12"
        self.program("build/bin/fluxrig-sim", f"echo '{said}'; exit 1")
        self.program("tests/faults/faults.mjs", "echo 67 passed, 0 failed")
        for suites, expected in ((["sim"], (11, 1)), (["sim", "faults"], (78, 1))):
            totals = harness.Totals()
            quietly(run_tests.run_suites, totals, suites, None)
            self.assertEqual((totals.passed, totals.failed), expected)

    def test_runs_the_fuzzers_beside_the_servers_and_counts_them(self):
        program = self.program("build-fuzz/bin/fuzz_wal", 'echo stat::number_of_executed_units: 5; ps -o cls= $$ > "$0.class"\n')
        self.program("tests/faults/faults.mjs", "echo 67 passed, 0 failed")
        totals = harness.Totals()
        with unittest.mock.patch.multiple(programs, FUZZED_LONGER={"wal"}, build=lambda *_, **__: [program]):
            quietly(run_tests.run_suites, totals, ["fuzz", "faults"], argparse.Namespace(seconds=None, fuzzer=None))
        self.assertEqual((totals.passed, totals.failed), (68, 0))
        self.assertEqual(pathlib.Path(f"{program}.class").read_text().strip(), "IDL")

    def test_runs_what_has_sanitizers_beside_the_servers_and_counts_it_when_the_servers_fail_too(self):
        program = self.program("build-asan/bin/test_x", self.GTEST_REPORT + 'ps -o cls= $$ > "$0.class"\n')
        self.program("tests/faults/faults.mjs", "echo 66 passed, 1 failed; exit 1")
        totals = harness.Totals()
        with unittest.mock.patch.object(programs, "build", lambda *_, **__: [program]):
            quietly(run_tests.run_suites, totals, ["asan", "faults"], argparse.Namespace(all=False))
        self.assertEqual((totals.passed, totals.failed), (67, 1))
        self.assertEqual(pathlib.Path(f"{program}.class").read_text().strip(), "IDL")

    def test_counts_a_build_that_fails_and_goes_on(self):
        self.program("tests/faults/faults.mjs", "echo 67 passed, 0 failed")
        totals = harness.Totals()
        failing = lambda totals, *_, **__: totals.add("asan/build", 0, 1, 0)  # noqa: E731
        with unittest.mock.patch.object(programs, "build", failing):
            quietly(run_tests.run_suites, totals, ["asan", "faults"], argparse.Namespace(all=False))
        self.assertEqual((totals.passed, totals.failed), (67, 1))

    def test_counts_a_simulator_that_crashes(self):
        self.program("build/bin/fluxrig-sim", "kill -9 $$")
        [(_, passed, failed, *_)] = servers.simulate()
        self.assertEqual((passed, failed), (0, 1))

    def suites(self, body, in_pairs):
        for name in ("one", "two"):
            self.program(f"tests/e2e/{name}.test.sh", f'cd "{self.root}"\n{body}')
        totals = harness.Totals()
        with unittest.mock.patch.object(servers, "E2E_IN_PAIRS", in_pairs):
            quietly(servers.run_e2e, totals, None)
        return totals.passed, totals.failed

    def test_runs_end_to_end_suites_that_may_in_pairs_each_with_ports_of_its_own(self):
        # Each waits for the other, which only comes when both run.
        body = ('echo $FLUXRIG_E2E_PORTS >> ports; for i in $(seq 100); do [ $(wc -l < ports) = 2 ] && break; sleep 0.1; done\n'
                '[ $(wc -l < ports) = 2 ] && echo 1 passed, 0 failed')
        self.assertEqual(self.suites(body, {"one", "two"}), (2, 0))
        self.assertEqual(sorted((self.root / "ports").read_text().split()), ["15000-23500", "23500-32000"])

    def test_runs_every_other_end_to_end_suite_alone(self):
        body = 'mkdir running && sleep 0.3 && rmdir running && echo 1 passed, 0 failed'
        self.assertEqual(self.suites(body, set()), (2, 0))
        self.assertEqual(self.suites(body, {"one"}), (2, 0))

    def test_counts_googletest_by_test_and_leaves_skipped_ones_out(self):
        report = self.root / "report.json"
        tests = [{"status": "RUN", "result": "COMPLETED"}, {"status": "RUN", "result": "SKIPPED"},
                 {"status": "NOTRUN"}, {"status": "RUN", "result": "COMPLETED", "failures": [{"failure": "x"}]}]
        report.write_text(json.dumps({"testsuites": [{"testsuite": tests}]}), encoding="utf-8")
        self.assertEqual(programs.count_gtest(report), (1, 1))
        self.assertEqual(programs.count_gtest(self.root / "missing.json"), (0, 0))

    def test_counts_a_failure_for_a_test_program_that_dies_after_its_last_test(self):
        program = self.program("bin/test_x", self.GTEST_REPORT + "kill -9 $$\n")
        name, passed, failed, *_ = programs.run_gtest("unit", program, 30)
        self.assertEqual((name, passed, failed), ("unit/x", 1, 1))

    def fuzz(self, names, seconds=None, fuzzer=None):
        """The -max_total_time that each fuzzer was started with, and the totals."""
        body = 'echo "$1" > "$0.seconds"; echo stat::number_of_executed_units: 5\n'
        started = [self.program(f"bin/fuzz_{name}", body) for name in names]
        totals = harness.Totals()
        with unittest.mock.patch.object(programs, "FUZZED_LONGER", {"wal"}):
            for result in programs.fuzz(started, argparse.Namespace(seconds=seconds, fuzzer=fuzzer)):
                quietly(totals.add, *result)
        seen = {path.name: path.read_text().strip() for path in self.root.glob("bin/*.seconds")}
        return seen, (totals.passed, totals.failed)

    def test_gives_the_named_fuzzers_more_time_and_all_the_same_when_told(self):
        self.assertEqual(self.fuzz(["emv", "wal"]), ({"fuzz_emv.seconds": "-max_total_time=8",
                                                      "fuzz_wal.seconds": "-max_total_time=30"}, (2, 0)))
        self.assertEqual(self.fuzz(["emv", "wal"], seconds=3), ({"fuzz_emv.seconds": "-max_total_time=3",
                                                                 "fuzz_wal.seconds": "-max_total_time=3"}, (2, 0)))

    def test_runs_one_fuzzer_alone(self):
        self.assertEqual(self.fuzz(["emv", "wal"], fuzzer="emv"), ({"fuzz_emv.seconds": "-max_total_time=8"}, (1, 0)))
        self.assertEqual(self.fuzz(["emv", "wal"], fuzzer="pan")[1], (0, 1))

    def test_counts_a_failure_for_a_named_fuzzer_that_is_gone(self):
        self.assertEqual(self.fuzz(["emv"])[1], (1, 1))

    def test_ends_what_hangs_with_all_its_children(self):
        program = self.program("hang", "sleep 1000 & wait\n")
        code, seconds = harness.run([program], self.root / "logs" / "hang.log", 0.2)
        self.assertIsNone(code)
        self.assertLess(seconds, 60)


if __name__ == "__main__":
    unittest.main()
