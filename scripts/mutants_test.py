#!/usr/bin/env python3
"""The mutants take minutes to run and are no part of ./dev test: that they still apply, and that their copy of the sources is
whole, is checked here."""

import pathlib
import re
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.dont_write_bytecode = True
import mutants  # noqa: E402


class Mutants(unittest.TestCase):
    def test_every_patch_applies_to_the_sources_as_they_are(self):
        patches = sorted((mutants.ROOT / "tests" / "mutants").glob("*.patch"))
        self.assertGreaterEqual(len(patches), 12)
        for patch in patches:
            tried = subprocess.run(["patch", "--dry-run", "--batch", "--forward", "--strip=1", "--quiet", f"--input={patch}"],
                                   cwd=mutants.ROOT, capture_output=True, text=True, check=False)
            self.assertEqual(tried.returncode, 0, f"{patch.name}: {tried.stdout}")

    def test_what_the_build_reads_is_copied(self):
        listing = (mutants.ROOT / "CMakeLists.txt").read_text(encoding="utf-8")
        unguarded = re.findall(r"^add_subdirectory\(([\w/]+)", listing, re.M)
        self.assertTrue(unguarded)
        for folder in unguarded:
            self.assertIn(f"{folder}/CMakeLists.txt", mutants.sources())


if __name__ == "__main__":
    unittest.main()
