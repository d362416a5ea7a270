#!/usr/bin/env python3
"""From a run of tests/scenario/lanes.mjs to tables, and to the part of docs/benchmarks.md between its markers.

bench_lanes_report.py --run FILE --picture FILE --command TEXT [--docs FILE]; FILE of --run is completed with machine and date"""

import argparse
import datetime
import json
import os
import pathlib
import re
import shutil
import statistics

from bench_wal_report import machine, output_of

BEGIN, END = "<!-- bench lanes: begin -->", "<!-- bench lanes: end -->"
TARGET = 1.10
# A quantile is shown as measured when so many answers were slower.
SLOWER = 10
# Of the slices, at most so many may not be what their name says; they stay in the figures and are named beside them.
MOST_ODD = 0.05
QUANTILES = {"p50": ("p50", 0.5), "p99": ("p99", 0.99), "p999": ("p99.9", 0.999)}


def shown(mode, name):
    """In brackets where it rests on fewer answers than it should."""
    text = f"{mode[name]:.2f}"
    return text if mode["answers"] * (1 - QUANTILES[name][1]) >= SLOWER - 1e-6 else f"({text})"


def table(modes):
    names = [label for label, _ in QUANTILES.values()]
    lines = ["| | answers | " + " | ".join(f"{name} ms" for name in names) + " | p99 of a slice: lowest, median, highest | "
             + " | ".join(f"{name}, times the first" for name in names) + " | median p99 of a slice, times the first |",
             "|---" * (4 + 2 * len(names)) + "|"]
    middle = [statistics.median(slice_["p99"] for slice_ in mode["each"]) for mode in modes]
    for mode, median in zip(modes, middle):
        low, high = mode["spread"]["p99"]
        lines.append(f"| {mode['mode']} | {mode['answers']:,} | " + " | ".join(shown(mode, name) for name in QUANTILES)
                     + f" | {low:.2f}, {median:.2f}, {high:.2f} | " + " | ".join(f"{mode['ratio'][name]:.2f}" for name in QUANTILES)
                     + f" | {median / middle[0]:.2f} |")
    return lines


def conditions(modes):
    """How full the wire was, of what, and in which states the rack was: what makes a mode what its name says."""
    for mode in modes:
        sent = ", ".join(f"{flow.replace('_', ' ')} {size / 1e3:.0f}" for flow, size in sorted(mode["sent"].items()) if size >= 500)
        states = ", ".join(f"{state.upper()} {share:.0%}" for state, share in sorted(mode["states"].items(), key=lambda one: -one[1]))
        grown = [last - first for first, last in mode["backlog"]]
        backlog = f"; its backlog changed by {min(grown) / 1e3:,.0f} to {max(grown) / 1e3:,.0f} kB a slice" if any(grown) else ""
        yield (f"- {mode['mode']}: towards the mixer {mode['wire'] / 1e3:.0f} kB/s in all; telemetry of the rack, kB/s: {sent or 'none'}; "
               f"window {mode['window'] / 1e3:.1f} kB, chunk {mode['chunk'] / 1e3:.1f} kB; {states}{backlog}")


def section(part):
    wire = part["wire"]
    what = (f"Wire of {wire['bitsPerSecond'] / 1e6:g} Mbit/s ({wire['bitsPerSecond'] / 8e3:g} kB/s), {wire['delayMicros'] / 1e3:g} ms each way"
            if wire["bitsPerSecond"] else "No limit on the wire")
    return [f"{what}; {part['asked']} questions and {part['sold']} other transactions a second:", "", *table(part["modes"]), "",
            *conditions(part["modes"]), ""]


def render(report, picture):
    host = report["machine"]
    lines = [BEGIN, "",
             f"`{report['command']}`, {report['date']}, commit {report['commit']}. {host['cores']} cores of {host['cpu']}, Linux {host['kernel']}, "
             f"{report['server']}; load average at the end {host['load_average']:.1f}. {report['rounds']} rounds of all modes in turn, slices of "
             f"{report['seconds']} s. In brackets: fewer than {SLOWER} answers were slower.", ""]
    if "narrow" in report:
        lines += [*section(report["narrow"]), f"![the narrow run over time]({picture})", ""]
    if "unlimited" in report:
        lines += section(report["unlimited"])
    if report["doubts"]:
        lines += ["Slices that were not what their name says, and stay in the figures:", "",
                  *(f"- {sentence}" for sentence in report["doubts"]), ""]
    return "\n".join([*lines, END])


def is_odd(report):
    """So many slices were not what their name says that the run is no result."""
    slices = sum(len(mode["each"]) for part in ("narrow", "unlimited") if part in report for mode in report[part]["modes"])
    odd = {re.match(r"\w+: slice \d+", sentence)[0] for sentence in report["doubts"]}
    return len(odd) > MOST_ODD * slices


def put(docs, text, picture):
    page = docs.read_text(encoding="utf-8")
    before, rest = page.split(BEGIN, 1)
    docs.write_text(before + text + rest.split(END, 1)[1], encoding="utf-8")
    pictures = docs.parent / "pictures"
    pictures.mkdir(exist_ok=True)
    shutil.copyfile(picture, pictures / picture.name)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("--run", "--picture", "--command"):
        parser.add_argument(name, required=True)
    parser.add_argument("--docs", type=pathlib.Path)
    arguments = parser.parse_args()
    run, picture = pathlib.Path(arguments.run), pathlib.Path(arguments.picture)
    server = re.search(r"[\d.]+", output_of("nats-server", "--version"))
    report = {"command": arguments.command, "date": datetime.date.today().isoformat(),
              "commit": output_of("git", "rev-parse", "--short", "HEAD") + ("+" if output_of("git", "status", "--porcelain", "src") else ""),
              "machine": machine(os.getcwd()), "server": f"nats-server {server[0] if server else 'of unknown version'}",
              **json.loads(run.read_text(encoding="utf-8"))}
    run.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    text = render(report, f"pictures/{picture.name}")
    print(text)
    for part in ("narrow", "unlimited"):
        for mode in report[part]["modes"][1:] if part in report else []:
            if mode["ratio"]["p99"] > TARGET:
                print(f"bench lanes: target missed: {part}, {mode['mode']}: p99 is {mode['ratio']['p99']:.2f} times that of "
                      f"'{report[part]['modes'][0]['mode']}', at most {TARGET:.2f} is the target")
    for sentence in report["doubts"]:
        print(f"bench lanes: not what it should be: {sentence}")
    if arguments.docs and is_odd(report):
        raise SystemExit(f"bench lanes: {arguments.docs} is left alone, because more than {MOST_ODD:.0%} of the slices were not what their name says")
    if arguments.docs:
        put(arguments.docs, text, picture)


if __name__ == "__main__":
    main()
