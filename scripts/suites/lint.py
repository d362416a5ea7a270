"""What is quick to check of the sources: includes, tables of documents, imports, format, and the tests of the scripts."""

import pathlib
import re
import shutil
import sys

from suites import harness
from suites.harness import note_of, run


def run_lint(totals, _arguments):
    code, seconds = run([sys.executable, "scripts/check_includes.py", "--quiet"], harness.LOGS / "includes.log", 120)
    totals.add("lint/includes", int(code == 0), int(code != 0), seconds, harness.LOGS / "includes.log", note_of(code))
    code, seconds = run([sys.executable, "scripts/check_durability.py"], harness.LOGS / "durability.log", 120)
    totals.add("lint/durability", int(code == 0), int(code != 0), seconds, harness.LOGS / "durability.log", note_of(code))
    code, seconds = run([sys.executable, "scripts/check_telemetry.py"], harness.LOGS / "telemetry.log", 120)
    totals.add("lint/telemetry", int(code == 0), int(code != 0), seconds, harness.LOGS / "telemetry.log", note_of(code))
    code, seconds = run([harness.ROOT / "tests" / "check_imports.mjs"], harness.LOGS / "imports.log", 120)
    totals.add("lint/imports", int(code == 0), int(code != 0), seconds, harness.LOGS / "imports.log", note_of(code))
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
