#!/usr/bin/env python3
"""Each rule of check_includes.py is broken once on purpose."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.dont_write_bytecode = True
import checking  # noqa: E402


def check(files):
    return checking.check("check_includes.py", files)


class CheckIncludes(unittest.TestCase):
    def assert_refused(self, files, sentence):
        code, output = check(files)
        self.assertEqual(code, 1, output)
        self.assertIn(sentence, output)

    def assert_accepted(self, files):
        code, output = check(files)
        self.assertEqual(code, 0, output)
        return output

    def test_accepts_includes_that_point_downward(self):
        self.assert_accepted({"src/wal/a.cpp": '#include "wal/a.hpp"\n#include <vector>\n#include "base/ids.hpp"\n'})

    def test_refuses_an_include_that_points_upward(self):
        self.assert_refused({"src/model/a.hpp": '#include "trace/context.hpp"\n'},
                            "src/model/a.hpp:1: \"trace/context.hpp\": includes point only downward")

    def test_refuses_the_rack_in_mixer_and_sink(self):
        for module in ("mixer", "sink"):
            self.assert_refused({f"src/{module}/a.cpp": '\n#include "rack/scenario.hpp"\n'},
                                f"src/{module}/a.cpp:2: \"rack/scenario.hpp\": {module} may never include rack")

    def test_refuses_the_mixer_in_the_rack(self):
        self.assert_refused({"src/rack/a.cpp": '#include "mixer/config.hpp"\n'}, "mixer is above rack")

    def test_refuses_a_library_outside_its_module(self):
        for header in ("yaml-cpp/yaml.h", "nats/nats.h", "duckdb.h", "boost/asio.hpp", "CLI/CLI.hpp"):
            self.assert_refused({"src/tap/a.cpp": f"#include <{header}>\n"}, f"<{header}>: only for")

    def test_keeps_headers_with_boost_private_to_their_module(self):
        files = {"src/gear/a.hpp": "#include <boost/asio.hpp>\n", "src/gear/b.hpp": '#include "gear/a.hpp"\n',
                 "src/gear/c.cpp": '#include "gear/b.hpp"\n'}
        self.assert_accepted(files)
        self.assert_refused({**files, "src/rack/d.cpp": '#include "gear/b.hpp"\n'},
                            'src/rack/d.cpp:1: "gear/b.hpp" brings in Boost')

    def test_refuses_a_library_that_nobody_allowed(self):
        self.assert_refused({"src/base/a.cpp": "#include <leftpad/leftpad.h>\n"}, "unknown library")

    def test_refuses_googletest_in_a_program(self):
        self.assert_refused({"apps/fluxrig/main.cpp": "#include <gtest/gtest.h>\n"}, "<gtest/gtest.h>: only for")

    def test_refuses_paths_of_one_machine(self):
        for folder in ("work", "root", "home/somebody"):
            self.assert_refused({"docs/a.md": f"see /{folder}/notes\n"}, "docs/a.md:1: names a path of one machine")

    def test_refuses_modules_that_do_not_exist(self):
        self.assert_refused({"src/base/a.cpp": '#include "common/util.hpp"\n'}, "there is no module common")

    def test_warns_about_long_functions_and_files_and_goes_on(self):
        body = "  x = 1;\n" * 70
        output = self.assert_accepted({"src/base/a.cpp": "namespace a {\nvoid f(int x) {\n" + body + "}\n}\n",
                                       "src/base/b.hpp": "// line\n" * 301})
        self.assertIn("src/base/a.cpp:2: warning: a function of 72 lines", output)
        self.assertIn("src/base/b.hpp:1: warning: 301 lines", output)


if __name__ == "__main__":
    unittest.main()
