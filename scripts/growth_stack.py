"""A mixer and, for each point of a curve, a fresh rack that is loaded and looked at. Everything on loopback, in one directory."""

import json
import os
import pathlib
import signal
import socket
import subprocess
import time

FLUXRIG, MIXER = (pathlib.Path("build/bin", name).resolve() for name in ("fluxrig", "fluxrig-mixer"))
START_SECONDS, STOP_SECONDS = 30, 40
SETTLE_SECONDS = 1.5
TICK = os.sysconf("SC_CLK_TCK")
MOST_CONNECTIONS = 12_000


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def scenario(directory, port, mixer, gears, wires):
    """http_server, then `gears` route gears in a row, the last of which has `wires` outputs, each to a respond of its own."""
    parts = [f"  door: {{ type: http_server, listen: '127.0.0.1:{port}', max_connections: {MOST_CONNECTIONS}, routes: [ {{ path: /pay, method: POST }} ] }}"]
    ways, before = [], "door"
    for i in range(1, gears):
        parts.append(f"  r{i}: {{ type: route, field: http.request.method, default: on }}")
        ways.append(f"{before} -> r{i}")
        before = f"r{i}.on"
    cases = ", ".join(f"{{ equals: 'X{i}', to: way{i} }}" for i in range(1, wires))
    parts.append(f"  fan: {{ type: route, field: http.request.method, default: way0{f', cases: [ {cases} ]' if cases else ''} }}")
    ways.append(f"{before} -> fan")
    for i in range(wires):
        parts.append(f"  host{i}: {{ type: respond, payload: ok }}")
        ways.append(f"fan.way{i} -> host{i}")
    return "\n".join(["rack: edge", f"data: {directory}/edge", f"mixer: {{ address: 'nats://127.0.0.1:{mixer}', certificates: {directory}/pki }}",
                      "telemetry: { audit: { durability: interval, disk: 2GiB } }", "limits: { in_flight: 20000 }", "gears:", *parts,
                      "wires: [ " + ", ".join(ways) + " ]", ""])


def processor_seconds(pid):
    words = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(") ")[2].split()
    return (int(words[11]) + int(words[12])) / TICK


def resident_mib(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise SystemExit(f"process {pid} has no memory: it has ended")


class GrowthStack:
    def __init__(self, directory):
        self.directory, self.processes = directory, []
        self.bus, self.api, self.door = free_port(), free_port(), free_port()

    def __enter__(self):
        for words in (["init"], ["issue", "--server", "nats", "--host", "127.0.0.1"], ["issue", "--mixer", "mixer"], ["issue", "--rack", "edge"]):
            subprocess.run([FLUXRIG, "pki", words[0], self.directory / "pki", *words[1:]], check=True, stdout=subprocess.DEVNULL)
        self.start_mixer()
        return self

    def __exit__(self, *_):
        while self.processes:
            self.stop(self.processes[-1])

    def spawn(self, name, words, ready):
        log = self.directory / f"{name}.log"
        with open(log, "wb") as out:
            process = subprocess.Popen([str(word) for word in words], stdout=out, stderr=out)
        self.processes.append(process)
        until = time.monotonic() + START_SECONDS
        while any(text not in log.read_text(encoding="utf-8", errors="replace") for text in ready):
            if process.poll() is not None or time.monotonic() > until:
                raise SystemExit(f"bench growth: {name} did not start:\n{log.read_text(encoding='utf-8', errors='replace')[-2000:]}")
            time.sleep(0.05)
        return process

    def stop(self, process):
        self.processes.remove(process)
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def start_mixer(self):
        config = self.directory / "mixer.yaml"
        config.write_text(f"data: {self.directory}/mixer\npki: {self.directory}/pki\nlisten: {{ api: '127.0.0.1:{self.api}', nats: '127.0.0.1:{self.bus}' }}\n", encoding="utf-8")
        self.mixer = self.spawn("mixer", [MIXER, "--config", config], ["mixer ready"])

    def start_rack(self, gears=2, wires=1, mixer=None):
        subprocess.run(["rm", "-rf", self.directory / "edge"], check=True)
        path = self.directory / "edge.yaml"
        path.write_text(scenario(self.directory, self.door, mixer or self.bus, gears, wires), encoding="utf-8")
        return self.spawn("edge", [FLUXRIG, "rack", path], ["is ready"] + ([] if mixer else ["welcomed this rack"]))

    def load(self, *, rate, connections, seconds=None, requests=None):
        words = [FLUXRIG, "load", "http", f"http://127.0.0.1:{self.door}/pay", "--method", "POST", "--connections", connections, "--rate", rate, "--traceparent", "--json", "--quiet"]
        words += ["--duration", f"{seconds}s"] if seconds else ["--requests", requests, "--duration", "600s"]
        done = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f"bench growth: the load failed: {done.stderr[-500:]} {done.stdout[-500:]}")
        return json.loads(done.stdout)

    def point(self, x, *, rate, connections, seconds, gears=2, wires=1):
        rack = self.start_rack(gears, wires)
        before, began = processor_seconds(rack.pid), time.monotonic()
        load = self.load(rate=rate, connections=connections, seconds=seconds)
        took, resident = time.monotonic() - began, resident_mib(rack.pid)
        # Opening thousands of connections is no part of the rate: time is that of the load.
        cpu = (processor_seconds(rack.pid) - before) / max(load["seconds"], 1e-9) * 100
        self.stop(rack)
        print(f"  {x:>7,}: {cpu:6.2f} % of a core, {resident:5.1f} MiB, p99 {load['latency_ms']['p99']:.2f} ms, {took:.0f} s", flush=True)
        return {"x": x, "cpu": cpu, "resident": resident, "rate": load["per_second"], "p99": load["latency_ms"]["p99"]}

    def backlog(self, counts):
        """One rack whose mixer is not there: so many transactions wait on its disk; what it takes while nothing else happens."""
        rack = self.start_rack(mixer=free_port())
        points, sent = [], 0
        for x in counts:
            if x > sent:
                self.load(rate=4_000, connections=32, requests=x - sent)
                sent = x
            time.sleep(SETTLE_SECONDS)
            before, began = processor_seconds(rack.pid), time.monotonic()
            time.sleep(5)
            cpu = (processor_seconds(rack.pid) - before) / (time.monotonic() - began) * 100
            points.append({"x": x, "cpu": cpu, "resident": resident_mib(rack.pid), "rate": 0})
            print(f"  {x:>7,}: {cpu:6.2f} % of a core, {points[-1]['resident']:5.1f} MiB", flush=True)
        self.stop(rack)
        return points
