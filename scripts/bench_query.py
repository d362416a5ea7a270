#!/usr/bin/env python3
"""Asks a mixer over a large store: see bench_query.sh."""

import argparse
import json
import pathlib
import random
import statistics
import subprocess
import time

from bench_tools import Mixer, head_of, put, sentence_of, write_json

TARGETS = {"trace, cold": 300, "trace, warm": 50, "p99 by gear, warm": 200}
WARM = 5  # times that a warm question is asked for each id
P99_BY_GEAR = ("SELECT gear, count(*) AS spans, quantile_cont(duration_ns, 0.99) / 1e6 AS p99_ms FROM spans WHERE start_time > "
               "TIMESTAMP '{now}' - INTERVAL 1 HOUR AND (date, hour) >= (DATE '{date}', {hour}) GROUP BY gear ORDER BY gear")


def drop_page_cache():
    subprocess.run(["sync"], check=True)
    pathlib.Path("/proc/sys/vm/drop_caches").write_text("3\n", encoding="ascii")


def milliseconds(work):
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1e3


def some_ids(mixer, count):
    """(flux_id, trace_id) of transactions out of closed hours, drawn at random."""
    hours = mixer.select("SELECT DISTINCT strftime(hour_start, '%Y-%m-%d'), hour(hour_start) FROM parquet_files WHERE signal = 'transactions'")
    draw = random.Random(7)
    ids = []
    for date, hour in draw.choices(hours, k=count):
        (least, most), = mixer.select(f"SELECT min(seq), max(seq) FROM transactions WHERE date = '{date}' AND hour = {hour}")
        ids += mixer.select(f"SELECT flux_id, trace_id FROM transactions WHERE date = '{date}' AND hour = {hour} "
                            f"AND seq = {draw.randint(int(least), int(most))}")
    return ids


class Questions:
    """Each of them, cold and warm, in milliseconds."""

    def __init__(self, mixer):
        self.mixer, self.times = mixer, {}

    def note(self, name, time_ms):
        self.times.setdefault(name, []).append(time_ms)

    def ask(self, one, shown):
        answer = self.mixer.fluxrig("trace", one)
        if shown not in answer:
            raise SystemExit(f"bench query: 'fluxrig trace {one}' did not show {shown}")

    def answer(self, one):
        if len(json.loads(self.mixer.get(f"/api/v1/trace/{one}"))["spans"]) != 4:
            raise SystemExit(f"bench query: the mixer's answer for {one} is not whole")

    def start_cold(self):
        """What the mixer itself keeps is gone as well."""
        self.mixer.stop()
        self.mixer.start()
        drop_page_cache()

    def traces(self, flux_id, trace_id):
        for one, kind in ((trace_id, "trace_id"), (flux_id, "flux_id")):
            self.start_cold()
            self.note(f"trace, cold: by {kind}", milliseconds(lambda one=one: self.ask(one, flux_id)))
            for _ in range(WARM):
                self.note(f"trace, warm: by {kind}", milliseconds(lambda one=one: self.ask(one, flux_id)))
                self.note(f"trace, warm: by {kind}, the mixer's answer alone", milliseconds(lambda one=one: self.answer(one)))
            self.start_cold()
            self.note(f"trace, cold: by {kind}, the mixer's answer alone", milliseconds(lambda one=one: self.answer(one)))

    def last_hour(self, rounds):
        (now, date, hour), = self.mixer.select(
            "SELECT strftime(n, '%Y-%m-%d %H:%M:%S'), strftime(n - INTERVAL 1 HOUR, '%Y-%m-%d'), hour(n - INTERVAL 1 HOUR) FROM "
            "(SELECT CAST(max(start_time) AS TIMESTAMP) AS n FROM hot_transactions)")
        sql = P99_BY_GEAR.format(now=now, date=date, hour=hour)
        for _ in range(rounds):
            self.start_cold()
            self.note("p99 by gear, cold: of the last hour", milliseconds(lambda: self.mixer.select(sql)))
            for _ in range(WARM):
                self.note("p99 by gear, warm: of the last hour", milliseconds(lambda: self.mixer.select(sql)))
        return [{"gear": gear, "spans": int(spans), "p99_ms": float(p99)} for gear, spans, p99 in self.mixer.select(sql)]


def row_of(name, times):
    times = sorted(times)
    return {"name": name, "count": len(times), "median": statistics.median(times), "lowest": times[0], "highest": times[-1],
            "p99": times[min(len(times) - 1, int(0.99 * len(times)))], "target": TARGETS.get(name.split(":")[0])}


def render(report):
    store = report["store"]
    lines = [sentence_of(report), "",
             f"{store['spans']:,} spans in {store['hours']} hours, {store['files']:,} Parquet files of {store['parquet_bytes'] / 1e9:.1f} GB, "
             f"{store['places']:,} places of ids, {store['hot_spans']:,} spans hot; the file store.duckdb has {store['database_bytes'] / 1e6:,.0f} MB. "
             f"Made by {store['close_steps']:,} steps of housekeeping, "
             f"{1e3 * store['close_seconds'] / max(store['close_steps'], 1):.0f} ms each in the mean.", "",
             "| ms | asked | median | p99 | lowest | highest | target |", "|---|---|---|---|---|---|---|"]
    for row in report["rows"]:
        target = f"under {row['target']}" if row["target"] else ""
        lines.append(f"| {row['name']} | {row['count']} | {row['median']:.1f} | {row['p99']:.1f} | {row['lowest']:.1f} | {row['highest']:.1f} | {target} |")
    return "\n".join(lines)


def fill(build, data, spans, hours):
    done = subprocess.run([pathlib.Path(build) / "bin" / "bench_store", "fill", data / "store", str(spans), str(hours)],
                          stdout=subprocess.PIPE, text=True, check=True)
    made = json.loads(done.stdout)
    (data / "store.json").write_text(json.dumps(made), encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("--build", "--json", "--command"):
        parser.add_argument(name, required=True)
    parser.add_argument("--directory", required=True, type=pathlib.Path, help="of the mixer; with data/store it is taken as it is")
    parser.add_argument("--spans", required=True, type=int)
    parser.add_argument("--hours", required=True, type=int)
    parser.add_argument("--rounds", required=True, type=int)
    parser.add_argument("--docs", type=pathlib.Path)
    arguments = parser.parse_args()
    data = arguments.directory / "data"
    data.mkdir(parents=True, exist_ok=True)
    if not (data / "store.json").exists():
        fill(arguments.build, data, arguments.spans, arguments.hours)
    mixer = Mixer(arguments.build, arguments.directory)
    try:
        mixer.start()
        questions = Questions(mixer)
        for flux_id, trace_id in some_ids(mixer, arguments.rounds):
            questions.traces(flux_id, trace_id)
        gears = questions.last_hour(arguments.rounds)
    finally:
        mixer.stop()
    store = json.loads((data / "store.json").read_text(encoding="utf-8"))
    store["database_bytes"] = (data / "store" / "store.duckdb").stat().st_size
    report = {**head_of(arguments.command, arguments.directory), "store": store, "gears": gears,
              "rows": [row_of(name, times) for name, times in sorted(questions.times.items())], "times": questions.times}
    write_json(arguments.json, report)
    text = render(report)
    print(text)
    if arguments.docs:
        put(arguments.docs, "query", text)
    for row in report["rows"]:
        if row["target"] and row["median"] >= row["target"]:
            print(f"bench query: target missed: {row['name']}: {row['median']:.0f} ms, under {row['target']} ms is the target")


if __name__ == "__main__":
    main()
