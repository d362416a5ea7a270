#!/usr/bin/env python3
"""check_telemetry.py finds what is not documented, and nothing else."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.dont_write_bytecode = True
import checking  # noqa: E402


def check(source, page, name="src/tap/a.cpp"):
    return checking.check("check_telemetry.py", {name: source, "docs/telemetry.md": page})


class CheckTelemetry(unittest.TestCase):
    def test_accepts_what_is_documented(self):
        code, output = check('sum("fluxrig.gear.io");\nnames.field("http.route", keep);\n', "`fluxrig.gear.io` `http.route`")
        self.assertEqual(code, 0, output)

    def test_names_what_is_not(self):
        code, output = check('\nsum("fluxrig.gear.io");\n', "`fluxrig.gear`")
        self.assertEqual(code, 1)
        self.assertIn("src/tap/a.cpp:2: docs/telemetry.md has no `fluxrig.gear.io`", output)

    def test_names_a_field_that_is_not(self):
        code, output = check('field_ = names.field("iso8583.mti", keep);\n', "`iso8583`")
        self.assertEqual(code, 1)
        self.assertIn("`iso8583.mti`", output)

    def test_takes_a_literal_with_a_dot_at_its_end_for_a_prefix(self):
        self.assertEqual(check('key("json." + path), names->field("json." + path);\n', "`json.<path>`")[0], 0)
        self.assertEqual(check('names->field("json." + path);\n', "`jason.<path>`")[0], 1)

    def test_passes_over_tests_and_comments(self):
        for source, name in (('sum("fluxrig.a.b");\n', "src/tap/a_test.cpp"), ('sum("fluxrig.a.b");\n', "src/gear/test_a.cpp")):
            code, output = check(source, "", name)
            self.assertIn("src/: no names found", output)
        self.assertIn("no names found", check('// "fluxrig.a.b"\n', "")[1])


if __name__ == "__main__":
    unittest.main()
