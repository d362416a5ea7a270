"""What is quick to check of the sources: includes, tables of documents, imports, format, and the tests of the scripts."""

import pathlib
import re
import shutil
import sys

from suites import harness
from suites.harness import note_of, run

CHECKS = {"includes": [sys.executable, "scripts/check_includes.py", "--quiet"],
          "durability": [sys.executable, "scripts/check_durability.py"],
          "telemetry": [sys.executable, "scripts/check_telemetry.py"], "imports": ["tests/check_imports.mjs"]}


def run_lint(totals, _arguments):
    for name, command in CHECKS.items():
        log = harness.LOGS / f"{name}.log"
        code, seconds = run(command, log, 120)
        totals.add(f"lint/{name}", int(code == 0), int(code != 0), seconds, log, note_of(code))
    for test in sorted(harness.ROOT.glob("scripts/*_test.py")):
        log = harness.LOGS / f"{test.stem}.log"
        code, seconds = run([sys.executable, test], log, 120)
        ran = re.search(r"^Ran (\d+) tests?", log.read_text(errors="replace"), re.M)
        wrong = sum(int(n) for n in re.findall(r"(?:failures|errors)=(\d+)", log.read_text(errors="replace")))
        count = int(ran[1]) if ran else 0
        failed = wrong if code == 1 and wrong else int(code != 0)
        totals.add(f"lint/{test.stem}", max(count - failed, 0), failed, seconds, log, note_of(code))
    if shutil.which("clang-format"):
        files = [file for folder in ("src", "apps", "examples", "bench") for file in harness.ROOT.glob(f"{folder}/**/*.[ch]pp")]
        log = harness.LOGS / "format.log"
        code, seconds = run(["clang-format", "--dry-run", "--Werror", *sorted(files)], log, 300)
        wrong = sorted(set(re.findall(r"^(\S+?):\d+:\d+: error", log.read_text(errors="replace"), re.M)))
        if wrong:
            log.write_text("".join(f"{pathlib.Path(file).relative_to(harness.ROOT)}: run ./dev format\n" for file in wrong))
        totals.add("lint/format", int(code == 0), int(code != 0), seconds, log, note_of(code))
