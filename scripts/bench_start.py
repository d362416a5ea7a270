#!/usr/bin/env python3
"""Starts a rack again and again and measures until it answers: see bench_start.sh."""

import argparse
import os
import pathlib
import shutil
import signal
import socket
import statistics
import subprocess
import time

PATIENCE = 60
POLL = 0.0002
# Between two starts: an epoch is a second (docs/adr/0009), and a start in the second of the one before waits for the next.
PAUSE = 1.1
SCENARIO = """rack: bench
data: data
gears:
  door: {{ type: http_server, listen: "127.0.0.1:{port}", routes: [ {{ path: /pay, method: POST }} ] }}
  host: {{ type: respond, payload: '{{"approved":true}}' }}
wires: [ door -> host ]
telemetry: {{ audit: {{ durability: interval, disk: {limit}MiB }} }}
"""
REQUEST = b"POST /pay HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Rack:
    def __init__(self, program, directory):
        self.program, self.directory, self.port = program, directory, free_port()
        self.process = None

    def write(self, limit):
        self.directory.mkdir(parents=True, exist_ok=True)
        (self.directory / "rack.yaml").write_text(SCENARIO.format(port=self.port, limit=limit), encoding="utf-8")

    def answers(self):
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as caller:
                caller.sendall(REQUEST)
                return caller.recv(64).startswith(b"HTTP/1.1 200")
        except OSError:
            return False

    def start(self):
        """Milliseconds until the first answer."""
        began = time.monotonic()
        with open(self.directory / "rack.log", "ab") as log:
            self.process = subprocess.Popen([self.program, "rack", "rack.yaml"], cwd=self.directory, stdout=log, stderr=log)
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() - began > PATIENCE:
                raise SystemExit(f"bench start: the rack does not answer; see {self.directory}/rack.log")
            time.sleep(POLL)
        return (time.monotonic() - began) * 1e3

    def end(self, how):
        self.process.send_signal(how)
        self.process.wait(PATIENCE)

    def log_bytes(self):
        return sum(file.stat().st_size for file in (self.directory / "data" / "audit").iterdir())


def fill(rack, mebibytes):
    """Real traffic until the log is that large."""
    body = rack.directory / "body.json"
    body.write_text("{}", encoding="utf-8")
    while rack.log_bytes() < mebibytes << 20:
        done = subprocess.run([rack.program, "load", "http", f"http://127.0.0.1:{rack.port}/pay", "--body", str(body),
                               "--connections", "64", "--duration", "5s"], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f"bench start: the load failed: {done.stderr[-400:]}")


def row(name, times):
    times = sorted(times)
    return f"| {name} | {statistics.median(times):.1f} | {times[0]:.1f} | {times[-1]:.1f} |"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", required=True, type=os.path.abspath)
    parser.add_argument("--scratch", required=True, type=pathlib.Path)
    parser.add_argument("--rounds", required=True, type=int)
    parser.add_argument("--backlog", required=True, type=int, nargs="+", help="MiB")
    arguments = parser.parse_args()
    print("| start to first answer, ms | median | lowest | highest |\n|---|---|---|---|", flush=True)
    fresh = []
    for _ in range(arguments.rounds):
        rack = Rack(arguments.program, arguments.scratch / "fresh")
        rack.write(2048)
        fresh.append(rack.start())
        rack.end(signal.SIGTERM)
        shutil.rmtree(rack.directory)
    print(row("fresh directory", fresh), flush=True)
    rack = Rack(arguments.program, arguments.scratch / "backlog")
    for size in sorted(arguments.backlog):
        rack.write(2 * size + 1024)
        rack.start()
        fill(rack, size)
        rack.end(signal.SIGKILL)
        time.sleep(PAUSE)
        again = []
        for _ in range(arguments.rounds):
            again.append(rack.start())
            rack.end(signal.SIGKILL)
            time.sleep(PAUSE)
        print(row(f"after kill -9, {rack.log_bytes() >> 20:,} MiB of audit log", again), flush=True)


if __name__ == "__main__":
    main()
