"""What the benchmarks in Python share: a mixer over a given directory, processor time and memory of processes, and the part of a page of
the docs between two markers."""

import datetime
import json
import os
import pathlib
import socket
import subprocess
import time
import urllib.request

from bench_wal_report import machine, output_of

PATIENCE = 120
TICK = os.sysconf("SC_CLK_TCK")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(what, name, seconds=PATIENCE, pause=0.05):
    ends = time.monotonic() + seconds
    while not (found := what()):
        if time.monotonic() > ends:
            raise SystemExit(f"bench: {name} did not come within {seconds} s")
        time.sleep(pause)
    return found


def cpu_seconds(pid):
    """User and system time of all its threads."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def resident_mib(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise SystemExit(f"bench: process {pid} has no memory: it has ended")


class Mixer:
    """fluxrig-mixer with its nats-server, on loopback, over directory/data."""

    def __init__(self, build, directory, racks=()):
        self.build, self.directory = pathlib.Path(build).resolve(), pathlib.Path(directory).resolve()
        self.directory.mkdir(parents=True, exist_ok=True)
        self.api, self.nats = free_port(), free_port()
        self.process = None
        pki = self.directory / "pki"
        if not pki.exists():
            self.fluxrig("pki", "init", pki)
            self.fluxrig("pki", "issue", pki, "--server", "nats", "--host", "127.0.0.1")
            self.fluxrig("pki", "issue", pki, "--mixer", "mixer")
            for rack in racks:
                self.fluxrig("pki", "issue", pki, "--rack", rack)
        (self.directory / "mixer.yaml").write_text(
            f'data: {self.directory}/data\npki: {pki}\nlisten: {{ api: "127.0.0.1:{self.api}", nats: "127.0.0.1:{self.nats}" }}\n',
            encoding="utf-8")

    def environment(self):
        return {**os.environ, "FLUXRIG_MIXER_API": f"http://127.0.0.1:{self.api}",
                "FLUXRIG_TOKEN_FILE": str(self.directory / "data" / "api-token")}

    def fluxrig(self, *words):
        done = subprocess.run([self.build / "bin" / "fluxrig", *map(str, words)], env=self.environment(), capture_output=True, text=True,
                              check=False)
        if done.returncode != 0:
            raise SystemExit(f"bench: fluxrig {' '.join(map(str, words))[:200]}: {done.stderr[-400:]}")
        return done.stdout

    def start(self):
        log = self.directory / "mixer.log"
        log.write_bytes(b"")
        with open(log, "ab") as output:
            self.process = subprocess.Popen([self.build / "bin" / "fluxrig-mixer", "--config", self.directory / "mixer.yaml"],
                                            stdout=output, stderr=output)

        def ready():
            if self.process.poll() is not None:
                raise SystemExit(f"bench: the mixer ended: {log.read_text(encoding='utf-8')[-800:]}")
            return "mixer ready" in log.read_text(encoding="utf-8")
        wait_for(ready, "the mixer")

    def stop(self):
        if self.process is not None:
            self.process.terminate()
            self.process.wait(PATIENCE)
            self.process = None

    def get(self, path):
        token = (self.directory / "data" / "api-token").read_text(encoding="utf-8").strip()
        request = urllib.request.Request(f"http://127.0.0.1:{self.api}{path}", headers={"Authorization": f"Bearer {token}"})
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return answer.read()

    def select(self, sql):
        """Rows of text."""
        lines = self.fluxrig("query", "--csv", sql).splitlines()
        return [line.split(",") for line in lines[1:]]


def head_of(command, disk):
    """What every report says of itself; a + behind the commit: the sources differ from it."""
    return {"command": command, "date": datetime.date.today().isoformat(),
            "commit": output_of("git", "rev-parse", "--short", "HEAD") + ("+" if output_of("git", "status", "--porcelain", "src", "apps") else ""),
            "machine": machine(disk)}


def sentence_of(report):
    host = report["machine"]
    return (f"`{report['command']}`, {report['date']}, commit {report['commit']}. {host['cores']} cores of {host['cpu']}, {host['disk']}, "
            f"Linux {host['kernel']}; load average at the end {host['load_average']:.1f}.")


def put(docs, name, text):
    """Replaces what stands between the markers of benchmark `name`; a page without them is an error."""
    begin, end = f"<!-- bench {name}: begin -->", f"<!-- bench {name}: end -->"
    page = docs.read_text(encoding="utf-8")
    if begin not in page or end not in page.split(begin, 1)[1]:
        raise SystemExit(f"{docs} has no part for '{name}': put '{begin}' and '{end}' where it belongs")
    before, rest = page.split(begin, 1)
    docs.write_text(f"{before}{begin}\n\n{text}\n\n{end}{rest.split(end, 1)[1]}", encoding="utf-8")


def write_json(path, report):
    pathlib.Path(path).write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
