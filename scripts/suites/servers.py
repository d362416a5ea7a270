"""Suites over real servers and the simulator: scripts that end with "N passed, N failed"."""

import concurrent.futures
import os
import queue
import re

from suites import harness
from suites.harness import WORKERS, directory_of, note_of, run, run_counted
from suites.programs import build_target

LEAKS_SECONDS = 400
NODE_SECONDS, E2E_SECONDS, SCENARIO_SECONDS, FAULTS_SECONDS = 300, 900, 300, 1200
SIM_SECONDS, SIM_PATIENCE = 300, 300
# End to end, these wait most of the time and measure none: two run at once. The others run alone.
E2E_IN_PAIRS = {"alarms", "certificates", "foreign", "ledger", "refusals", "refused_rack", "spool"}
E2E_PORTS = 15_000, 32_000  # below the ephemeral ports


def run_interop(totals, _arguments):
    tests = sorted(harness.ROOT.glob("tests/interop/*.test.mjs"))
    if not tests:
        print("  none   interop: there are no tests/interop/*.test.mjs", flush=True)
        return
    for test in tests:
        log = harness.LOGS / f"interop-{test.name.removesuffix('.test.mjs')}.log"
        code, seconds = run(["node", "--test", "--test-reporter=tap", test], log, NODE_SECONDS, cwd=harness.ROOT / "tests")
        text = log.read_text(errors="replace")
        passed, failed = (sum(int(n) for n in re.findall(rf"^# {word} (\d+)$", text, re.M)) for word in ("pass", "fail"))
        totals.add(f"interop/{test.name.removesuffix('.test.mjs')}", passed, failed or int(code != 0), seconds, log,
                   note_of(code))


def run_faults(totals, _arguments):
    script = harness.ROOT / "tests" / "faults" / "faults.mjs"
    totals.add(*run_counted("faults/short", [script, "--short"], FAULTS_SECONDS))


def run_leaks(totals, _arguments):
    if build_target(totals, "leaks", "unsanitised"):
        totals.add(*run_counted("leaks/short", [harness.ROOT / "tests" / "leaks" / "leaks.mjs"], LEAKS_SECONDS))


def run_scenario(totals, _arguments):
    for test in sorted(harness.ROOT.glob("tests/scenario/*.test.mjs")):
        totals.add(*run_counted(f"scenario/{test.name.removesuffix('.test.mjs')}", ["node", test], NODE_SECONDS))
    script = harness.ROOT / "tests" / "scenario" / "pressure.mjs"
    totals.add(*run_counted("scenario/pressure", [script, "--short", "--seed", "1"], SCENARIO_SECONDS))


def prepare_sim(_totals, _arguments):
    """Gives what runs the simulator, beside others or not."""
    return simulate


def simulate(beside=False):
    """A list of what Totals.add takes."""
    wanted = os.environ.get("FLUXRIG_SIM_SECONDS") or str(SIM_SECONDS)
    log = harness.LOGS / "sim.log"
    code, seconds = run([directory_of("dev") / "bin" / "fluxrig-sim", "--seconds", wanted], log, int(wanted) + SIM_PATIENCE,
                        beside=beside)
    lines = log.read_text(errors="replace").strip().splitlines()
    last = lines[-1] if lines else ""
    counts = re.match(r"(\d+) runs, .* (\d+) failures, seeds", last)
    runs, failed = (int(counts[1]), int(counts[2])) if counts else (0, 1)
    return [("sim", max(runs - failed, 0), failed or int(code != 0), seconds, log, note_of(code) or last)]


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
    tests = sorted(file for suffix in ("sh", "mjs") for file in harness.ROOT.glob(f"tests/e2e/*.test.{suffix}"))
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
