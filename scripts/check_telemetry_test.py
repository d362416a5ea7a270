#!/usr/bin/env python3
"""check_telemetry.py finds what is not documented, and nothing else."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

SCRIPT = pathlib.Path(__file__).resolve().parent / "check_telemetry.py"


def check(source, page, name="src/tap/a.cpp"):
    with tempfile.TemporaryDirectory() as directory:
        for path, text in {name: source, "docs/telemetry.md": page}.items():
            file = pathlib.Path(directory) / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        result = subprocess.run([sys.executable, str(SCRIPT), "--root", directory], capture_output=True, text=True,
                                check=False)
        return result.returncode, result.stdout


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
