#!/usr/bin/env python3
"""From the runs of compare_wal to medians, a table, a JSON file and the part of docs/benchmarks.md between its markers.

bench_wal_report.py --runs FILE --memory-runs FILE --disk DIRECTORY --json FILE --command TEXT [--docs FILE]"""

import argparse
import datetime
import json
import os
import pathlib
import statistics
import subprocess

BEGIN, END = "<!-- bench wal: begin -->", "<!-- bench wal: end -->"
OURS, PEERS = "fluxrig", ("sqlite", "rocksdb")
LABELS = {
    "fluxrig": "fluxrig, as a rack runs it", "fluxrig-threads": "fluxrig, one thread a writer",
    "sqlite": "SQLite", "rocksdb": "RocksDB",
}


def read_runs(path):
    return [json.loads(line) for line in pathlib.Path(path).read_text(encoding="utf-8").splitlines()]


def summarize(runs):
    """(mode, writers, system) -> medians and the range of the rates; of SQLite's two ways the faster one."""
    groups = {}
    for run in runs:
        if run["kind"] == "run":
            groups.setdefault((run["mode"], run["writers"], run["system"]), []).append(run)
    cells = {}
    for (mode, writers, system), group in groups.items():
        rates = [run["appends_per_second"] for run in group]
        name = system.split("-")[0] if system.startswith("sqlite") else system
        cell = {"mode": mode, "writers": writers, "system": name, "way": system, "runs": len(group),
                "appends_per_second": statistics.median(rates), "lowest": min(rates), "highest": max(rates),
                "p50_us": statistics.median(run["p50_us"] for run in group),
                "p99_us": statistics.median(run["p99_us"] for run in group)}
        known = cells.get((mode, writers, name))
        if known is None or known["appends_per_second"] < cell["appends_per_second"]:
            cells[(mode, writers, name)] = cell
    return cells


def compare(cells, mode, writers):
    """The better of the others, and how many times as fast ours is."""
    best = max((cells[(mode, writers, peer)] for peer in PEERS), key=lambda cell: cell["appends_per_second"])
    return best["system"], cells[(mode, writers, OURS)]["appends_per_second"] / max(best["appends_per_second"], 1e-9)


def table(cells, mode):
    lines = ["| writers | system | appends a second | lowest to highest | p50 us | p99 us |", "|---|---|---|---|---|---|"]
    for writers in sorted({key[1] for key in cells if key[0] == mode}):
        for system, label in LABELS.items():
            cell = cells.get((mode, writers, system))
            if cell is None:
                continue
            way = f" ({cell['way'].split('-')[1]})" if system == "sqlite" else ""
            lines.append(f"| {writers} | {label}{way} | {cell['appends_per_second']:,.0f} | "
                         f"{cell['lowest']:,.0f} to {cell['highest']:,.0f} | {cell['p50_us']:,.0f} | {cell['p99_us']:,.0f} |")
    return lines


def output_of(*command):
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def machine(disk):
    cpu = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo", encoding="utf-8")
                if line.startswith("model name")), os.uname().machine)
    kind = output_of("findmnt", "-n", "-o", "FSTYPE,SOURCE", "-T", str(disk)).split()
    return {"cpu": cpu, "cores": os.cpu_count(), "kernel": os.uname().release, "disk": " on ".join(kind),
            "load_average": os.getloadavg()[0]}


def render(report):
    cells = {(cell["mode"], cell["writers"], cell["system"]): cell for cell in report["cells"]}
    setting, host = report["setting"], report["machine"]
    lines = [BEGIN, "",
             f"`{report['command']}`, {report['date']}, commit {report['commit']}. {host['cores']} cores of {host['cpu']}, {host['disk']}, "
             f"Linux {host['kernel']}; load average at the end {host['load_average']:.1f}. SQLite {setting['sqlite']}, RocksDB {setting['rocksdb']}. "
             f"Record: {setting['record_bytes']} bytes. Medians of {report['rounds']} runs of {setting['seconds']:.0f} s each, taken in turns.", "",
             "`commit`: an append ends when its record is on disk.", "", *table(cells, "commit"), ""]
    for comparison in report["comparisons"]:
        if comparison["mode"] == "commit":
            lines.append(f"- {comparison['writers']} writer{'s' if comparison['writers'] > 1 else ''}: {comparison['times']:.1f} times "
                         f"{LABELS[comparison['best_peer']]}, the better of the two.")
    lines += ["", "`interval`: an append ends when the system has the record. On disk at most 5 ms and one sync later with fluxrig; with SQLite "
              "(`synchronous=NORMAL`) after a checkpoint; with RocksDB (`sync=false`) when the kernel writes it, so about 30 s.", "",
              *table(cells, "interval"), ""]
    memory = ", ".join(f"{LABELS[cell['system']]} {cell['p50_us']:.0f}" for cell in report["memory"])
    lines.append(f"One writer in `commit` on tmpfs, where a sync costs nothing, p50 in us: {memory}.")
    if report["recovery"]:
        recovery = report["recovery"]
        lines.append(f"\nRecovery, out of a cold page cache, of {recovery['mib']:.0f} MiB left by a kill: open to the first new append "
                     f"{recovery['open_seconds'] * 1e3:.0f} ms; the whole backlog read and checked at {recovery['mb_per_second']:.0f} MB/s "
                     f"({recovery['records_per_second']:,.0f} records a second).")
    return "\n".join([*lines, "", END])


def recovery_of(runs):
    rounds = [run for run in runs if run["kind"] == "recovery"]
    if not rounds:
        return None
    median = lambda pick: statistics.median(pick(run) for run in rounds)
    return {"mib": median(lambda run: run["bytes"]) / 2**20, "open_seconds": median(lambda run: run["open_seconds"]),
            "mb_per_second": median(lambda run: run["bytes"] / (run["open_seconds"] + run["read_seconds"]) / 1e6),
            "records_per_second": median(lambda run: run["records"] / (run["open_seconds"] + run["read_seconds"]))}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("--runs", "--memory-runs", "--disk", "--json", "--command"):
        parser.add_argument(name, required=True)
    parser.add_argument("--docs", type=pathlib.Path)
    arguments = parser.parse_args()
    runs = read_runs(arguments.runs)
    cells = summarize(runs)
    writers = sorted({key[1] for key in cells})
    comparisons = [{"mode": mode, "writers": count, "best_peer": best, "times": times}
                   for mode in ("commit", "interval") for count in writers for best, times in [compare(cells, mode, count)]]
    report = {"command": arguments.command, "date": datetime.date.today().isoformat(),
              "commit": output_of("git", "rev-parse", "--short", "HEAD") + ("+" if output_of("git", "status", "--porcelain", "src") else ""),
              "machine": machine(arguments.disk), "setting": runs[0], "rounds": max(run.get("round", 0) for run in runs),
              "cells": list(cells.values()), "comparisons": comparisons, "recovery": recovery_of(runs),
              "memory": list(summarize(read_runs(arguments.memory_runs)).values()), "runs": runs}
    pathlib.Path(arguments.json).write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    text = render(report)
    print(text)
    if arguments.docs:
        page = arguments.docs.read_text(encoding="utf-8")
        before, rest = page.split(BEGIN, 1)
        arguments.docs.write_text(before + text + rest.split(END, 1)[1], encoding="utf-8")
    missed = [one for one in comparisons if one["mode"] == "commit"
              and one["times"] < {1: 1.0, 64: 5.0}.get(one["writers"], 0)]
    for one in missed:
        print(f"bench wal: target missed: {one['times']:.2f} times {one['best_peer']} with {one['writers']} writer(s)")


if __name__ == "__main__":
    main()
