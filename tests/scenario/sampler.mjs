// Looks at a running stack from outside, twice a second: what the mixer says of its store, its streams and its racks, what the
// kernel says of the processes' memory, and what the wire carried. The rest of a run is in ledgers, logs and the store, and is read
// when it is over.
import { readFileSync } from 'node:fs';

const EVERY_MS = 500;

// Bytes: resident now, and its highest since the start; undefined of a process that is ending.
export function memoryOf(pid) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  if (!/^VmRSS:/m.test(status)) return undefined;
  const bytes = (name) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)[1]) * 1024;
  return { resident: bytes('VmRSS'), highest: bytes('VmHWM') };
}

export class Sampler {
  samples = [];  // { time, rows, bytes, commitFailures, writable, streams, level, racks, memory, wire }; a part that did not answer is left out
  missed = 0;    // times the mixer's API did not answer

  constructor(stack, { wire, processes = ['edge', 'mixer'] }) {
    Object.assign(this, { stack, wire, processes });
  }

  start() {
    this.running = true;
    this.loop = this.run();
  }

  async run() {
    while (this.running) {
      const due = Date.now() + EVERY_MS;
      this.samples.push(await this.look());
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, due - Date.now())));
    }
  }

  async look() {
    const sample = { time: Date.now(), memory: this.memory(), wire: await this.wire?.stats() };
    try {
      const [status, { racks }] = await Promise.all([this.stack.api('/api/v1/status'), this.stack.api('/api/v1/racks')]);
      sample.rows = status.ingest.rows;
      sample.bytes = status.ingest.bytes;
      sample.commitFailures = status.ingest.commit_failures;
      sample.writable = status.store_writable;
      sample.pressure = status.pressure;
      sample.streams = Object.fromEntries(status.streams.map(({ name, bytes }) => [name, bytes]));
      sample.racks = Object.fromEntries(racks.map((rack) => [rack.rack, rack]));
    } catch {
      this.missed += 1;
    }
    return sample;
  }

  memory() {
    const found = {};
    for (const name of this.processes) {
      const entry = this.stack.processes.get(name);
      if (entry && !entry.result) found[name] = memoryOf(entry.child.pid);
    }
    return found;
  }

  async stop() {
    this.running = false;
    await this.loop;
  }
}
