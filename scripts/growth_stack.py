"""A mixer and, for each point of a curve, a fresh rack that is loaded and looked at. Everything on loopback, in one directory."""

import json
import pathlib
import subprocess
import time

from bench_tools import Mixer, cpu_seconds, free_port, resident_mib, wait_for

BUILD = pathlib.Path("build")
FLUXRIG = (BUILD / "bin" / "fluxrig").resolve()
STOP_SECONDS = 60
TRIMMED_AFTER_SECONDS = 17  # rack::Rack::kTrimAfter and some
SETTLE_SECONDS = 1.5
MOST_CONNECTIONS = 12_000


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


class GrowthStack:
    def __init__(self, directory):
        self.directory, self.door = directory, free_port()
        self.mixer = Mixer(BUILD, directory, racks=["edge"])
        self.rack = None

    def __enter__(self):
        self.mixer.start()
        return self

    def __exit__(self, *_):
        self.stop()
        self.mixer.stop()

    def start_rack(self, gears=2, wires=1, bus=None):
        """A fresh one; `bus`: the port of another mixer, which nobody greets."""
        subprocess.run(["rm", "-rf", self.directory / "edge"], check=True)
        path, log = self.directory / "edge.yaml", self.directory / "edge.log"
        path.write_text(scenario(self.directory, self.door, bus or self.mixer.nats, gears, wires), encoding="utf-8")
        with open(log, "wb") as out:
            self.rack = subprocess.Popen([FLUXRIG, "rack", path], stdout=out, stderr=out)

        def ready():
            text = log.read_text(encoding="utf-8", errors="replace")
            if self.rack.poll() is not None:
                raise SystemExit(f"bench growth: the rack did not start:\n{text[-2000:]}")
            return "is ready" in text and (bus is not None or "welcomed this rack" in text)
        wait_for(ready, "the rack")
        return self.rack.pid

    def stop(self):
        if self.rack is not None:
            self.rack.terminate()
            self.rack.wait(STOP_SECONDS)
            self.rack = None

    def load(self, *, rate, connections, seconds=None, requests=None):
        words = [FLUXRIG, "load", "http", f"http://127.0.0.1:{self.door}/pay", "--method", "POST", "--connections", connections, "--rate", rate, "--traceparent", "--json", "--quiet"]
        words += ["--duration", f"{seconds}s"] if seconds else ["--requests", requests, "--duration", "600s"]
        done = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f"bench growth: the load failed: {done.stderr[-500:]} {done.stdout[-500:]}")
        return json.loads(done.stdout)

    def point(self, x, *, rate, connections, seconds, gears=2, wires=1):
        rack = self.start_rack(gears, wires)
        before, began = cpu_seconds(rack), time.monotonic()
        load = self.load(rate=rate, connections=connections, seconds=seconds)
        took, resident = time.monotonic() - began, resident_mib(rack)
        # Opening thousands of connections is no part of the rate: time is that of the load.
        cpu = (cpu_seconds(rack) - before) / max(load["seconds"], 1e-9) * 100
        self.stop()
        print(f"  {x:>7,}: {cpu:6.2f} % of a core, {resident:5.1f} MiB, p99 {load['latency_ms']['p99']:.2f} ms, {took:.0f} s", flush=True)
        return {"x": x, "cpu": cpu, "resident": resident, "rate": load["per_second"], "p99": load["latency_ms"]["p99"]}

    def backlog(self, counts):
        """One rack whose mixer is not there: so many transactions wait on its disk; what it takes while nothing else happens."""
        rack = self.start_rack(bus=free_port())
        # A rack lets go of its start's pages once; what its work needs is mapped again by the load after that.
        sent = counts[0] // 2
        self.load(rate=4_000, connections=32, requests=sent)
        time.sleep(TRIMMED_AFTER_SECONDS)
        points = []
        for x in counts:
            if x > sent:
                self.load(rate=4_000, connections=32, requests=x - sent)
                sent = x
            time.sleep(SETTLE_SECONDS)
            before, began = cpu_seconds(rack), time.monotonic()
            time.sleep(5)
            cpu = (cpu_seconds(rack) - before) / (time.monotonic() - began) * 100
            points.append({"x": x, "cpu": cpu, "resident": resident_mib(rack), "rate": 0})
            print(f"  {x:>7,}: {cpu:6.2f} % of a core, {points[-1]['resident']:5.1f} MiB", flush=True)
        self.stop()
        return points
