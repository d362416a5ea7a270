"""What the reports of benchmarks share: where and when a run was, and the part of docs/benchmarks.md between its markers."""

import datetime
import os
import pathlib

from bench_wal_report import machine, output_of


def circumstances(command):
    """Command, date, commit (with + when the sources differ from it) and machine of a run that ends now."""
    return {"command": command, "date": datetime.date.today().isoformat(),
            "commit": output_of("git", "rev-parse", "--short", "HEAD") + ("+" if output_of("git", "status", "--porcelain", "src", "apps") else ""),
            "machine": machine(os.getcwd())}


def sentence(report):
    host = report["machine"]
    return (f"`{report['command']}`, {report['date']}, commit {report['commit']}. {host['cores']} cores of {host['cpu']}, Linux {host['kernel']}; "
            f"load average at the end {host['load_average']:.1f}.")


def put(docs, name, lines):
    """Replaces what stands between the markers of benchmark `name`; a page without them is an error."""
    begin, end = f"<!-- bench {name}: begin -->", f"<!-- bench {name}: end -->"
    page = pathlib.Path(docs).read_text(encoding="utf-8")
    if begin not in page or end not in page.split(begin, 1)[1]:
        raise SystemExit(f"{docs} has no part for '{name}': put '{begin}' and '{end}' where it belongs")
    before, rest = page.split(begin, 1)
    text = "\n".join([begin, "", *lines, "", end])
    pathlib.Path(docs).write_text(before + text + rest.split(end, 1)[1], encoding="utf-8")
