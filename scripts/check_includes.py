#!/usr/bin/env python3
"""Checks what the layout promises: includes point only downward, third-party headers appear only in the modules
that adapt them, no file names a path of the machine it was written on. Warns about long files and functions.

check_includes.py [--root DIRECTORY] [--quiet]; exit 1 when a rule is broken."""

import argparse
import pathlib
import re
import sys

ORDER = ["base", "cbor", "model", "trace", "sanitize", "tap", "wal", "lane", "pressure", "snake", "otlp", "gear",
         "rack", "sink", "mixer", "sim"]
# Lower in the list, and still never included: the edge must not pull in the centre, nor the other way round.
NEVER = {("sink", "rack"), ("mixer", "rack")}

ANY = r".*"
# Tests, and what only tests include.
TESTS = r".*_test\.cpp|.*/(test|fake|golden)_[a-z_]+\.(cpp|hpp)|.*_fixture\.(cpp|hpp)|tests/.*"
# Boost is slow to parse: a header that includes it, even by way of another one, is private to its module
# (check_private).
BOOST = r"(src/(otlp|gear|rack|mixer|sim)|apps|examples|bench|cmake)/.*"
# Header prefix -> pattern of the files that may include it. The first prefix that fits decides.
THIRD_PARTY = [
    ("yaml-cpp/", r"src/base/yaml[a-z_]*\.cpp"),
    ("nats", r"src/snake/.*"),
    ("duckdb.h", r"src/sink/.*"),
    ("boost/", BOOST),
    ("CLI/", r"apps/.*"),
    ("openssl/", r"src/(model|sanitize|wal|snake|otlp|gear|rack|mixer)/.*|apps/.*\.cpp|bench/.*"),
    ("nghttp2/", r"src/otlp/.*\.cpp"),
    ("zlib.h", r"src/otlp/.*\.cpp"),
    ("zstd", r"src/(wal|snake|mixer)/.*\.cpp"),
    ("protozero/", r"src/otlp/.*\.cpp"),
    ("hs/", r"src/sanitize/.*\.cpp"),
    ("gtest/", TESTS),
    ("gmock/", TESTS),
    ("benchmark/", r".*_bench\.cpp|bench/.*"),
    ("sqlite3.h", r"bench/.*\.cpp"),
    ("rocksdb/", r"bench/.*\.cpp"),
    ("fmt/", ANY),
    ("tl/expected.hpp", ANY),
]
SYSTEM_DIRECTORIES = ("sys/", "arpa/", "netinet/", "net/", "linux/")
SYSTEM_HEADERS = {"unistd.h", "fcntl.h", "poll.h", "dirent.h", "netdb.h", "signal.h", "pthread.h", "sched.h",
                  "stdlib.h", "termios.h", "spawn.h", "ifaddrs.h", "cpuid.h", "x86intrin.h", "immintrin.h",
                  "nmmintrin.h", "endian.h", "grp.h", "pwd.h", "malloc.h", "cxxabi.h", "execinfo.h", "glob.h",
                  "getopt.h", "syslog.h", "string.h", "time.h", "errno.h", "langinfo.h", "mntent.h",
                  "dlfcn.h"}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
MACHINE_PATH = re.compile(r"(?<![\w.{}$])/(?:work|root|home/[a-z_][\w-]*)/")
SKIPPED = re.compile(r"(^|/)(build[^/]*|\.deps|\.demo|\.git|node_modules|\.cache|corpus|golden|__pycache__)(/|$)")
TEXT_SUFFIXES = {".cpp", ".hpp", ".py", ".sh", ".md", ".txt", ".yaml", ".json", ".mjs", ".cmake", ".html", ".js", ""}
MAX_FILE_LINES = 300
MAX_FUNCTION_LINES = 60


def module_of(path):
    parts = path.split("/")
    return parts[1] if len(parts) > 2 and parts[0] == "src" else None


def check_own(path, target):
    """The complaint about `#include "target"` in the file `path`, or None."""
    own, other = module_of(path), target.split("/")[0]
    if "/" not in target:
        return f'"{target}": write the path from src/' if own else None
    if other not in ORDER or own is None:
        return None if own is None or other in ORDER else f'"{target}": there is no module {other}'
    if own not in ORDER:
        return f"module {own} is not in the order of scripts/check_includes.py"
    if (own, other) in NEVER:
        return f'"{target}": {own} may never include {other}'
    if ORDER.index(other) > ORDER.index(own):
        return f'"{target}": includes point only downward, and {other} is above {own}'
    return None


def check_angle(path, target):
    for prefix, allowed in THIRD_PARTY:
        if target.startswith(prefix):
            return None if re.fullmatch(allowed, path) else f"<{target}>: only for {allowed}"
    if target.startswith(SYSTEM_DIRECTORIES) or target in SYSTEM_HEADERS:
        return None
    if "/" in target or "." in target:
        return f"<{target}>: unknown library; add it to scripts/check_includes.py with the module that adapts it"
    return None


def check_source(path, text):
    complaints = []
    for number, line in enumerate(text.split("\n"), 1):
        include = INCLUDE.match(line)
        if not include:
            continue
        complaint = check_own(path, include[2]) if include[1] == '"' else check_angle(path, include[2])
        if complaint:
            complaints.append(f"{path}:{number}: {complaint}")
    return complaints


def check_private(includes):
    """`includes`: file -> [(line, own header)]. Complains where a header with Boost in it leaves its module."""
    heavy = {path for path, targets in includes.items()
             if path.endswith(".hpp") and any(target.startswith("boost/") for _, target in targets)}
    while True:
        more = {path for path, targets in includes.items() if path.endswith(".hpp") and path not in heavy
                and any(f"src/{target}" in heavy for _, target in targets)}
        if not more:
            break
        heavy |= more
    return [f'{path}:{line}: "{target}" brings in Boost: it is private to {module_of("src/" + target)}'
            for path, targets in sorted(includes.items()) for line, target in targets
            if f"src/{target}" in heavy and module_of(path) != module_of("src/" + target)]


def check_paths(path, text):
    return [f"{path}:{number}: names a path of one machine"
            for number, line in enumerate(text.split("\n"), 1) if MACHINE_PATH.search(line)]


def without_comments_and_strings(text):
    text = re.sub(r"^[ \t]*#(?:[^\n\\]|\\\n|\\.)*", lambda match: "\n" * match[0].count("\n"), text, flags=re.M)
    pattern = re.compile(r'//[^\n]*|/\*.*?\*/|R"([^\s()\\]{0,16})\(.*?\)\1"|"(?:\\.|[^"\\\n])*"'
                         r"|'(?:\\.|[^'\\\n])+'(?!\w)", re.S)
    return pattern.sub(lambda match: "\n" * match[0].count("\n"), text)


def long_functions(path, text):
    """A function is a brace after ')' in a namespace or class; good enough for a warning."""
    stack, warnings, statement, line = [], [], "", 1
    for character in without_comments_and_strings(text):
        line += character == "\n"
        if character == "{":
            is_container = re.match(r"\s*(inline\s+)?(namespace|class|struct|enum|union|extern|template)\b", statement)
            is_outside = all(kind == "container" for kind, _ in stack)
            kind = "function" if ")" in statement and is_outside else "container" if is_container else "other"
            stack.append((kind, line))
        elif character == "}" and stack:
            kind, start = stack.pop()
            if kind == "function" and line - start + 1 > MAX_FUNCTION_LINES:
                warnings.append(f"{path}:{start}: warning: a function of {line - start + 1} lines")
        statement = "" if character in "{};" else statement + character
    return warnings


def check_lengths(path, text):
    lines = text.count("\n")
    warnings = long_functions(path, text)
    is_test = re.search(r"_(test|fuzz|bench)\.cpp$", path)
    if lines > MAX_FILE_LINES and not is_test:
        warnings.append(f"{path}:1: warning: {lines} lines; one idea a file, under {MAX_FILE_LINES} lines")
    return warnings


def check_tree(root):
    """Complaints, warnings and the number of files looked at."""
    complaints, warnings, includes, count = [], [], {}, 0
    for file in sorted(root.rglob("*")):
        path = file.relative_to(root).as_posix()
        if SKIPPED.search(path) or not file.is_file() or file.suffix not in TEXT_SUFFIXES:
            continue
        try:
            text = file.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        count += 1
        complaints += check_paths(path, text)
        if file.suffix in (".cpp", ".hpp"):
            complaints += check_source(path, text)
            warnings += check_lengths(path, text)
            found = ((number, INCLUDE.match(line)) for number, line in enumerate(text.split("\n"), 1))
            includes[path] = [(number, include[2]) for number, include in found if include]
    return complaints + check_private(includes), warnings, count


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parent.parent)
    parser.add_argument("--quiet", action="store_true", help="no warnings")
    arguments = parser.parse_args()
    complaints, warnings, count = check_tree(arguments.root)
    for line in complaints + ([] if arguments.quiet else warnings):
        print(line)
    print(f"check_includes: {count} files, {len(complaints)} rules broken, {len(warnings)} warnings")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
