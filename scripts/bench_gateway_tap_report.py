#!/usr/bin/env python3
"""From the turns of bench_gateway_tap.sh to a table: bench_gateway_tap_report.py --lines FILE --json FILE --command TEXT --name NAME [--docs FILE]"""

import argparse
import json
import pathlib
import statistics

from bench_tools import head_of, put, sentence_of, write_json

LABELS = {"bare": "tap compiled out", "tapped": "everything on"}
TARGETS = {"per_second": ("at least", 0.98), "p99": ("at most", 1.05)}


def read_turns(lines):
    """The turns in the order of the run; one with failed requests is an error, since both must do the same work."""
    turns = []
    for line in lines:
        turn = json.loads(line)
        load = turn["load"]
        if load["error_count"] != 0 or load["answered"] == 0:
            raise SystemExit(f"a turn of '{LABELS[turn['kind']]}' had {load['error_count']} errors in {load['sent']} requests")
        turns.append({"kind": turn["kind"], "per_second": load["per_second"], "p50": load["latency_ms"]["p50"], "p99": load["latency_ms"]["p99"],
                      "edge_us": turn["edge_ms"] * 1000 / load["answered"], "host_us": turn["host_ms"] * 1000 / load["answered"]})
    return turns


def ratios(turns, what):
    """Everything on divided by tap compiled out, for each round: two neighbouring turns."""
    pairs = [sorted(pair, key=lambda turn: turn["kind"]) for pair in zip(turns[::2], turns[1::2])]
    return [tapped[what] / bare[what] for bare, tapped in pairs]


def table(turns):
    lines = ["| racks | turns | answered a second: median, lowest to highest | p50 ms | p99 ms | edge, CPU us a transaction | host |", "|---|---|---|---|---|---|---|"]
    for kind, label in LABELS.items():
        own = [turn for turn in turns if turn["kind"] == kind]
        rates = [turn["per_second"] for turn in own]
        middle = {what: statistics.median(turn[what] for turn in own) for what in ("p50", "p99", "edge_us", "host_us")}
        lines.append(f"| {label} | {len(own)} | {statistics.median(rates):,.0f}, {min(rates):,.0f} to {max(rates):,.0f} | {middle['p50']:.1f} | {middle['p99']:.1f} | "
                     f"{middle['edge_us']:.0f} | {middle['host_us']:.0f} |")
    lines.append("")
    for what, (bound, target) in TARGETS.items():
        own = ratios(turns, what)
        lines.append(f"- {'transactions a second' if what == 'per_second' else 'p99'}, everything on against tap compiled out, median of the rounds: "
                     f"{statistics.median(own):.2f} ({min(own):.2f} to {max(own):.2f}); target {bound} {target}.")
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("--lines", "--json", "--command", "--name"):
        parser.add_argument(name, required=True)
    parser.add_argument("--docs", type=pathlib.Path)
    arguments = parser.parse_args()
    turns = read_turns(pathlib.Path(arguments.lines).read_text(encoding="utf-8").splitlines())
    report = head_of(arguments.command, ".demo") | {"turns": turns, "ratios": {what: ratios(turns, what) for what in TARGETS}}
    write_json(arguments.json, report)
    text = "\n".join([sentence_of(report), "", *table(turns)])
    print(text)
    if arguments.docs:
        put(arguments.docs, arguments.name, text)


if __name__ == "__main__":
    main()
