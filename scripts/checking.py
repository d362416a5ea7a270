"""For the tests of the checks: a check run over files that are made for it."""

import pathlib
import subprocess
import sys
import tempfile


def check(script, files):
    """Exit code and output of scripts/SCRIPT over a directory with these files, path to text."""
    with tempfile.TemporaryDirectory() as directory:
        for path, text in files.items():
            file = pathlib.Path(directory) / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        command = [sys.executable, str(pathlib.Path(__file__).resolve().parent / script), "--root", directory]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        return result.returncode, result.stdout
