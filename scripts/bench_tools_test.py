#!/usr/bin/env python3
"""The figures of bench query, and where they are put."""

import pathlib
import tempfile
import unittest

import bench_query
from bench_tools import put


class Query(unittest.TestCase):
    def test_a_row_has_its_target_by_the_word_before_the_colon(self):
        row = bench_query.row_of("trace, cold: by trace_id", [3.0, 1.0, 2.0])
        self.assertEqual((row["median"], row["lowest"], row["highest"], row["target"]), (2.0, 1.0, 3.0, 300))
        self.assertIsNone(bench_query.row_of("something else", [1.0])["target"])


class Page(unittest.TestCase):
    def test_only_what_is_between_the_markers_changes(self):
        with tempfile.TemporaryDirectory() as directory:
            page = pathlib.Path(directory) / "page.md"
            page.write_text("before\n<!-- bench x: begin -->\nold\n<!-- bench x: end -->\nafter\n", encoding="utf-8")
            put(page, "x", "new")
            self.assertEqual(page.read_text(encoding="utf-8"), "before\n<!-- bench x: begin -->\n\nnew\n\n<!-- bench x: end -->\nafter\n")
            with self.assertRaises(SystemExit):
                put(page, "y", "new")


if __name__ == "__main__":
    unittest.main()
