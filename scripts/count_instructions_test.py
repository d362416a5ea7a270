#!/usr/bin/env python3
"""The guard of instruction counts must be able to fail."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.dont_write_bytecode = True
import count_instructions  # noqa: E402


class Judging(unittest.TestCase):
    def good(self, count):
        return count_instructions.judge("tap", count, {"tap": 1_000})[1]

    def test_refuses_what_costs_more_than_the_tolerance(self):
        self.assertTrue(self.good(1_030))
        self.assertFalse(self.good(1_031))

    def test_accepts_what_became_cheaper_and_says_so(self):
        line, good = count_instructions.judge("tap", 900, {"tap": 1_000})
        self.assertTrue(good)
        self.assertIn("--update", line)

    def test_refuses_what_was_not_counted_or_has_nothing_to_be_compared_with(self):
        self.assertFalse(self.good(None))
        self.assertFalse(count_instructions.judge("new", 5, {"tap": 1_000})[1])

    def test_reads_what_callgrind_says_and_takes_nothing_for_no_count(self):
        self.assertEqual(count_instructions.collected("==1== Events    : Ir\n==1== Collected : 8421\n"), 8421)
        self.assertIsNone(count_instructions.collected("==1== Collected : 0\n"))
        self.assertIsNone(count_instructions.collected("valgrind: no such tool"))

    def test_refuses_any_locked_instruction_system_call_and_allocation_of_the_tap(self):
        clean = dict.fromkeys(count_instructions.FORBIDDEN, 0)
        self.assertEqual([good for _, good in count_instructions.judge_steps(clean)], [True] * 3)
        for what in clean:
            self.assertEqual(sum(not good for _, good in count_instructions.judge_steps({**clean, what: 1})), 1)


if __name__ == "__main__":
    unittest.main()
