#!/usr/bin/env python3
"""bench_lanes_report.py on made-up runs: what it brackets, what it names as missed, and when it leaves the page alone."""

import contextlib
import io
import json
import pathlib
import sys
import tempfile
import unittest
from unittest import mock

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.dont_write_bytecode = True
import bench_lanes_report as report  # noqa: E402

PAGE = f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n"


def mode(name, ratio, answers=10_000, slices=1):
    quantiles = {"p50": 60.0, "p99": 66.0, "p999": 70.0}
    return {"mode": name, "answers": answers, **quantiles, "spread": {"p99": [65.0, 67.0]}, "each": [{"p99": 66.0}] * slices,
            "ratio": {key: ratio for key in quantiles},
            "wire": 2e5, "sent": {"live_audit": 1e5}, "states": {"normal": 1}, "window": 9e3, "chunk": 1024, "backlog": [[0, 0]]}


def run(modes, doubts=()):
    """The report of a run with a page to write to: what it said, the page afterwards, its exit."""
    part = {"wire": {"bitsPerSecond": 2_000_000, "delayMicros": 25_000}, "asked": 50, "sold": 150, "modes": modes}
    with tempfile.TemporaryDirectory() as name:
        directory = pathlib.Path(name)
        (directory / "run.json").write_text(json.dumps({"rounds": 1, "seconds": 8, "narrow": part, "doubts": list(doubts)}))
        (directory / "lanes.svg").write_text("<svg/>")
        docs = directory / "docs.md"
        docs.write_text(PAGE)
        words = ["report", "--run", str(directory / "run.json"), "--picture", str(directory / "lanes.svg"), "--command", "c", "--docs", str(docs)]
        said, ended = io.StringIO(), 0
        with mock.patch.object(sys, "argv", words), contextlib.redirect_stdout(said):
            try:
                report.main()
            except SystemExit as exit_:
                ended = exit_.code
        return said.getvalue(), docs.read_text(), ended


class BenchLanesReport(unittest.TestCase):
    def test_a_quantile_that_rests_on_few_answers_is_in_brackets(self):
        self.assertEqual(report.shown(mode("a", 1.0), "p999"), "70.00")
        self.assertEqual(report.shown(mode("a", 1.0, answers=9_999), "p999"), "(70.00)")

    def test_a_missed_target_is_named_and_the_base_never_is(self):
        said, _, _ = run([mode("base", 9.9), mode("good", 1.10), mode("bad", 1.11)])
        self.assertIn("narrow, bad: p99 is 1.11 times", said)
        self.assertNotIn("narrow, good", said)
        self.assertNotIn("narrow, base", said)

    def test_the_page_gets_the_table_between_its_markers(self):
        _, page, ended = run([mode("base", 1.0), mode("loaded", 1.0)])
        self.assertEqual(ended, 0)
        self.assertTrue(page.startswith("before\n") and page.endswith("after\n"))
        self.assertIn("| loaded | 10,000 |", page)
        self.assertNotIn("old", page)

    def test_a_run_with_doubts_leaves_the_page_alone_and_fails(self):
        said, page, ended = run([mode("base", 1.0)], ["narrow: slice 1: no telemetry"])
        self.assertEqual(page, PAGE)
        self.assertTrue(ended)
        self.assertIn("not what it should be: narrow: slice 1", said)

    def test_one_slice_of_twenty_may_be_odd_and_is_named_on_the_page(self):
        doubts = ["narrow: slice 3, full load: no telemetry", "narrow: slice 3, full load: the wire was empty"]
        _, page, ended = run([mode("base", 1.0, slices=20)], doubts)
        self.assertEqual(ended, 0)
        self.assertIn("- narrow: slice 3, full load: the wire was empty", page)
        self.assertTrue(run([mode("base", 1.0, slices=20)], [*doubts, "narrow: slice 4, full load: no telemetry"])[2])

    def test_a_single_stall_does_not_move_the_median_of_the_slices(self):
        stalled = {**mode("loaded", 1.5, slices=3), "each": [{"p99": 66.0}, {"p99": 200.0}, {"p99": 66.0}]}
        self.assertIn("| 1.00 |", report.table([mode("base", 1.0), stalled])[3])


if __name__ == "__main__":
    unittest.main()
