#!/usr/bin/env python3
"""Runs clang-tidy over files, two at a time: tidy.py BUILD_DIRECTORY FILE..."""

import concurrent.futures
import json
import pathlib
import subprocess
import sys
import tempfile

# What gcc's compile commands hold and clang does not understand.
GCC_ONLY = {"-Winvalid-pch", "-Wno-restrict"}
WORKERS = 2


def clean_commands(build, scratch):
    """compile_commands.json without the compiler launcher, the precompiled header and gcc's own flags."""
    commands = json.loads((build / "compile_commands.json").read_text())
    for entry in commands:
        words = entry["command"].split()
        start = next(i for i, word in enumerate(words) if word.endswith(("/c++", "/g++", "/clang++")))
        kept, skip = [], False
        for word in words[start:]:
            if skip:
                skip = False
                continue
            if word == "-include":
                skip = True
                continue
            if word not in GCC_ONLY:
                kept.append(word)
        entry["command"] = " ".join(kept)
    (scratch / "compile_commands.json").write_text(json.dumps(commands))
    return {str(pathlib.Path(entry["file"]).resolve()) for entry in commands}


def tidy(scratch, file):
    command = ["clang-tidy", "-p", str(scratch), "--quiet", "--warnings-as-errors=*", file]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    return file, result.returncode, result.stdout


def main():
    build = pathlib.Path(sys.argv[1])
    failed = 0
    with tempfile.TemporaryDirectory() as directory:
        scratch = pathlib.Path(directory)
        known = clean_commands(build, scratch)
        files = [file for file in sys.argv[2:] if str(pathlib.Path(file).resolve()) in known]
        with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
            for file, code, output in pool.map(lambda f: tidy(scratch, f), files):
                if code != 0:
                    failed += 1
                    print(f"{file}:\n{output}", flush=True)
    print(f"clang-tidy: {len(files)} files, {failed} with findings")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
