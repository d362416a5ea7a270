#!/usr/bin/env python3
"""Tests of bench_growth.py, growth_stack.py and chart.py."""

import unittest
import xml.dom.minidom

import bench_growth
import chart
import growth_stack


def curve(values):
    return [{"x": x, "cpu": cpu, "resident": 10.0, "rate": x or 1} for x, cpu in values]


class Growth(unittest.TestCase):
    def test_a_straight_line_is_as_steep_everywhere(self):
        self.assertAlmostEqual(bench_growth.steepness(curve([(0, 5), (10, 15), (30, 35)]), "cpu"), 1.0)

    def test_a_square_is_faster_than_linear(self):
        points = curve([(x, x * x) for x in (1, 2, 4, 8, 16)])
        self.assertIn("faster than linear", bench_growth.verdict(points, "cpu"))

    def test_what_stays_does_not_grow(self):
        self.assertEqual(bench_growth.verdict(curve([(1, 5), (2, 5), (3, 5)]), "resident"), "does not grow")

    def test_two_points_are_no_curve(self):
        with self.assertRaises(SystemExit):
            bench_growth.steepness(curve([(1, 1), (2, 9)]), "cpu")

    def test_a_table_has_a_column_for_each_point(self):
        lines = bench_growth.table("rate", curve([(250, 1.0), (500, 2.0), (1000, 4.0)]))
        self.assertIn("| transactions a second | 250 | 500 | 1,000 |", lines)
        self.assertIn("| CPU us a transaction | 40 | 40 | 40 |", lines)


class Scenario(unittest.TestCase):
    def test_gears_stand_in_a_row_and_wires_beside_each_other(self):
        text = growth_stack.scenario("/d", 1, 2, gears=3, wires=2)
        self.assertIn("wires: [ door -> r1, r1.on -> r2, r2.on -> fan, fan.way0 -> host0, fan.way1 -> host1 ]", text)
        self.assertIn("cases: [ { equals: 'X1', to: way1 } ]", text)


class Chart(unittest.TestCase):
    def test_is_an_svg_that_holds_every_point_inside(self):
        text = chart.draw([chart.Panel("a <b>", [(0, 1), (10, 7)]), chart.Panel("c", [(1, 0), (2, 0), (3, 0)])], columns=2)
        picture = xml.dom.minidom.parseString(text)
        circles = picture.getElementsByTagName("circle")
        self.assertEqual(len(circles), 5)
        for circle in circles:
            self.assertTrue(0 <= float(circle.getAttribute("cx")) <= 2 * chart.WIDTH and 0 <= float(circle.getAttribute("cy")) <= chart.HEIGHT)

    def test_axes_end_at_round_numbers(self):
        self.assertEqual([chart.ceiling(value) for value in (0, 0.3, 1, 2.1, 7, 5000, 5001)], [1, 0.5, 1, 2.5, 10, 5000, 10000])


if __name__ == "__main__":
    unittest.main()
