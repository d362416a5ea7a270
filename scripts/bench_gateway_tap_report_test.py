#!/usr/bin/env python3
"""Tests of bench_gateway_tap_report.py."""

import json
import unittest

import bench_gateway_tap_report as report


def line(kind, rate, p99, errors=0):
    load = {"error_count": errors, "sent": 100, "answered": 100, "per_second": rate, "latency_ms": {"p50": 1.0, "p99": p99}}
    return json.dumps({"kind": kind, "load": load, "edge_ms": 20, "host_ms": 40})


class Report(unittest.TestCase):
    def test_ratios_are_of_neighbours_whichever_came_first(self):
        turns = report.read_turns([line("tapped", 80, 3.0), line("bare", 100, 2.0), line("bare", 200, 4.0), line("tapped", 190, 4.0)])
        self.assertEqual(report.ratios(turns, "per_second"), [0.8, 0.95])
        self.assertEqual(report.ratios(turns, "p99"), [1.5, 1.0])

    def test_processor_time_is_of_a_transaction(self):
        self.assertEqual(report.read_turns([line("bare", 1, 1)])[0]["edge_us"], 200)

    def test_a_turn_with_errors_is_no_result(self):
        with self.assertRaises(SystemExit):
            report.read_turns([line("bare", 1, 1, errors=1)])

    def test_the_table_has_both_and_their_targets(self):
        text = "\n".join(report.table(report.read_turns([line("tapped", 80, 3.0), line("bare", 100, 2.0)])))
        self.assertIn("| everything on | 1 | 80, 80 to 80 |", text)
        self.assertIn("0.80 (0.80 to 0.80); target at least 0.98", text)


if __name__ == "__main__":
    unittest.main()
