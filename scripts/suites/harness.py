"""Runs a command and counts: what every suite of the tests stands on. A command that crashes, hangs or counts nothing is one
failure."""

import contextlib
import os
import pathlib
import re
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
LOGS = ROOT / "build" / "test-logs"
WORKERS = 2
SHOWN_LINES = 150


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


def yield_processor(pid):
    """A session of its own is a group of its own for the scheduler; within one only does SCHED_IDLE put a process last."""
    with contextlib.suppress(OSError):
        pathlib.Path(f"/proc/{pid}/autogroup").write_text("19", encoding="ascii")


def run(command, log, seconds, environment=None, cwd=ROOT, beside=False):
    """Return code (None: timed out) and duration; the output goes to the log. Ends only its own process group. beside: it
    runs with the processor that others leave."""
    start = time.monotonic()
    log.parent.mkdir(parents=True, exist_ok=True)
    words = [*(["chrt", "--idle", "0"] if beside else []), *(str(word) for word in command)]
    with open(log, "wb") as output:
        process = subprocess.Popen(words, stdout=output, stderr=subprocess.STDOUT, cwd=cwd, stdin=subprocess.DEVNULL,
                                   env={**os.environ, **(environment or {})}, start_new_session=True)
        if beside:
            yield_processor(process.pid)
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


def run_counted(name, command, limit, environment=None):
    """Runs a script whose last line is "N passed, N failed"; what Totals.add takes."""
    log = LOGS / f"{name.replace('/', '-')}.log"
    code, seconds = run(command, log, limit, environment)
    lines = log.read_text(errors="replace").strip().splitlines()
    counts = re.fullmatch(r"(\d+) passed, (\d+) failed", lines[-1].strip()) if lines else None
    passed, failed = (int(counts[1]), int(counts[2])) if counts else (0, 1)
    return name, passed, failed or int(code != 0), seconds, log, note_of(code)


def directory_of(preset):
    return ROOT / ("build" if preset == "dev" else f"build-{preset}")


def errors_of(log):
    """A log beside that of a build, without the lines of ninja's progress: the errors, and all that cmake says."""
    errors = log.with_suffix(".errors.log")
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
    errors.write_text("".join(line for line in lines if not re.match(r"\[\d+/\d+\] ", line)), encoding="utf-8")
    return errors
