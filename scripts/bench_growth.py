#!/usr/bin/env python3
"""How the cost of a rack grows with what it is given: see bench_growth.sh."""

import argparse
import pathlib
import resource
import tempfile

import chart
import growth_stack
from bench_tools import head_of, put, sentence_of, write_json

# What grows, and how far. `fixed`: what the others stand at meanwhile.
RATES = (250, 500, 1_000, 2_000, 3_000, 4_000)
GEARS = (1, 2, 4, 8, 12, 16, 20)
WIRES = (1, 4, 16, 64, 128, 256)
CONNECTIONS = (10, 1_000, 2_500, 5_000, 10_000)
BACKLOG = (20_000, 40_000, 80_000, 160_000)
FIXED_RATE, FIXED_CONNECTIONS = 1_000, 32
SPARE_FILES = 200  # of a process, beside its connections
# The later half of a curve may be so much steeper than the earlier half before it counts as faster than linear.
TOLERANCE = 1.25
# A rise of less than this between the ends is noise: pages, ticks of the clock.
NOISE = {"cpu": 1.0, "resident": 1.0}  # percent of a core, MiB


def steepness(points, what):
    """Slope of the later half over that of the earlier half, by the ends and the middle; None where nothing rises."""
    if len(points) < 3:
        raise SystemExit("bench growth: fewer than three points say nothing about growth")
    first, middle, last = points[0], points[len(points) // 2], points[-1]
    if abs(last[what] - first[what]) < NOISE[what]:
        return None
    early = (middle[what] - first[what]) / (middle["x"] - first["x"])
    late = (last[what] - middle[what]) / (last["x"] - middle["x"])
    return late / early if early > 0 else (None if late <= 0 else float("inf"))


def verdict(points, what):
    steep = steepness(points, what)
    if steep is None:
        return "does not grow"
    return f"the later half rises {steep:.2f} times as steeply as the earlier one" + (": faster than linear" if steep > TOLERANCE else "")


def series(name, stack, arguments):
    """The points of one curve: x, processor time in percent of a core, resident MiB, and what the load saw."""
    seconds = 2 if arguments.short else arguments.seconds
    thin = (lambda values: values[::2] if len(values) > 3 else values) if arguments.short else (lambda values: values)
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[0] - SPARE_FILES
    if name == "rate":
        return [stack.point(x, rate=x, connections=FIXED_CONNECTIONS, seconds=seconds) for x in thin(RATES)]
    if name == "gears":
        return [stack.point(x, gears=x, rate=FIXED_RATE, connections=FIXED_CONNECTIONS, seconds=seconds) for x in thin(GEARS)]
    if name == "wires":
        return [stack.point(x, wires=x, rate=FIXED_RATE, connections=FIXED_CONNECTIONS, seconds=seconds) for x in thin(WIRES)]
    if name == "connections":
        return [stack.point(x, rate=FIXED_RATE, connections=x, seconds=seconds) for x in thin(CONNECTIONS) if x <= most]
    return stack.backlog(thin(BACKLOG))


TITLES = {"rate": ("transactions a second", "2 gears, 32 connections"), "gears": ("gears in a row", "1,000 transactions a second"),
          "wires": ("wires beside each other", "1,000 transactions a second"), "connections": ("keep-alive connections", "1,000 transactions a second"),
          "backlog": ("transactions waiting on disk, no mixer", "idle after them")}


def table(name, points):
    title, fixed = TITLES[name]
    lines = [f"**{title[0].upper()}{title[1:]}** ({fixed}):", "", "| " + " | ".join([title, *(f"{point['x']:,}" for point in points)]) + " |", "|---" * (len(points) + 1) + "|",
             "| CPU, % of a core | " + " | ".join(f"{point['cpu']:.2f}" for point in points) + " |"]
    if name != "backlog":
        lines.append("| CPU us a transaction | " + " | ".join(f"{point['cpu'] * 1e4 / point['rate']:.0f}" for point in points) + " |")
    lines += ["| resident, MiB | " + " | ".join(f"{point['resident']:.1f}" for point in points) + " |", "",
              f"- CPU: {verdict(points, 'cpu')}. Memory: {verdict(points, 'resident')}.", ""]
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--command", required=True)
    parser.add_argument("--seconds", type=int, default=8)
    parser.add_argument("--only", choices=TITLES)
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--docs", action="store_true")
    arguments = parser.parse_args()
    if arguments.docs and (arguments.only or arguments.short):
        parser.error("--docs needs all curves at full length")
    curves = {}
    with tempfile.TemporaryDirectory(prefix="fluxrig-growth-") as directory, growth_stack.GrowthStack(pathlib.Path(directory)) as stack:
        for name in [arguments.only] if arguments.only else TITLES:
            print(f"bench growth: {TITLES[name][0]}", flush=True)
            curves[name] = series(name, stack, arguments)
    out = pathlib.Path("build/bench")
    out.mkdir(parents=True, exist_ok=True)
    report = head_of(arguments.command, out) | {"curves": curves}
    write_json(out / "growth.json", report)
    panels = [chart.Panel(f"{TITLES[name][0]}: {what}", [(point["x"], point[key]) for point in points])
              for name, points in curves.items() for key, what in (("cpu", "% of a core"), ("resident", "MiB resident"))]
    (out / "growth.svg").write_text(chart.draw(panels, columns=2), encoding="utf-8")
    lines = [sentence_of(report), ""]
    for name, points in curves.items():
        lines += table(name, points)
    lines.append("![CPU and memory over each](pictures/growth.svg)")
    print("\n".join(lines))
    if arguments.docs:
        pathlib.Path("docs/pictures/growth.svg").write_text((out / "growth.svg").read_text(encoding="utf-8"), encoding="utf-8")
        put(pathlib.Path("docs/benchmarks.md"), "growth", "\n".join(lines))


if __name__ == "__main__":
    main()
