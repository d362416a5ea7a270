// The stack of ./dev bench lanes and its modes. Measured is the kiosk's question to the host and its answer (P0 over the bus); the
// telemetry beside it is the shop's of the same rack, whose own answers need no bus.
import { spawnSync } from 'node:child_process';
import { readFileSync, statfsSync } from 'node:fs';
import { freePort } from '../e2e/stack.mjs';
import { until } from '../e2e/suite.mjs';
import { pause } from '../e2e/waiting.mjs';
import { EdgeWorld } from './edge_world.mjs';
import { repliesOf, transitionsOf } from './series.mjs';

const PATIENCE_MS = 240_000;
const SETTLE_MS = 2_000;
// `interval`, so that the disk, which all share, is not what is measured.
const AUDIT = 'audit: { durability: interval }';
const STORE_BYTES = 4 * 2 ** 30;
const SPARE_BYTES = 8 << 20;  // what the file system needs to book a large file
const GAUGES = ['backlog', 'window', 'chunk'];

export class LanesWorld extends EdgeWorld {
  modes = ['tap compiled out', 'full load', 'full load, sink dead', 'backlog replaying'];
  racks = ['edge', 'host', 'bare', 'bare-host'];
  slices = [];    // { mode, pair, from, to (ms since 1970), up (bytes towards the mixer) }
  askings = [];   // loads that ask, one after another: [{ pair, load }]
  loads = 0;

  // `wire` as EdgeWorld has it; a second, at fixed times: `asked` questions, `sold` transactions of the shop;
  // `deadLonger`: how many slices longer the store is dead than measured, so that its backlog outlasts the replay's slice; `rampMillis`:
  // how long a replay runs before it is measured. `bareProgram`: a fluxrig with the tap compiled out.
  constructor(chance, seed, { wire, asked, sold, deadLonger, rampMillis, bareProgram }) {
    super(chance, seed, { wire, storeBytes: STORE_BYTES });
    Object.assign(this, { asked, sold, deadLonger, rampMillis, bareProgram });
  }

  // Two pairs over the one wire: `edge` and `host`; `bare` and `bare-host`, which record nothing.
  writeScenarios() {
    this.writePair({ edge: 'edge', host: 'host', shop: 'edge-shop', ask: 'edge-ask', telemetry: `{ ${AUDIT}, metrics: { interval: 1s }, sampling: { ratio: 1 } }`, hostTelemetry: `{ ${AUDIT} }` });
    this.writePair({ edge: 'bare', host: 'bare-host', shop: 'bare-shop', ask: 'bare-ask', telemetry: `{ ${AUDIT} }`, hostTelemetry: `{ ${AUDIT} }` });
  }

  async startRacks() {
    const { stack } = this;
    // The mixer has a machine of its own, anywhere but here: whatever else wants a processor goes first, at once. Its nats-server, through
    // which the questions go, stays as it is.
    const idle = spawnSync('chrt', ['--all-tasks', '--idle', '--pid', '0', String(stack.processes.get('mixer').child.pid)], { encoding: 'utf8' });
    if (idle.status !== 0) throw new Error(`chrt: ${idle.stderr ?? idle.error}`);
    stack.prefixes.set('bare', this.wire.inside);
    for (const rack of ['bare-host', 'bare']) {
      stack.spawn(rack, this.bareProgram, ['rack', stack.scenarios.get(rack)]);
      await stack.waitLog(rack, 'built with FLUXRIG_TAP=OFF');
      await stack.waitLog(rack, 'welcomed this rack');
    }
    await super.startRacks();
  }

  async open() {
    for (const edge of ['edge', 'bare']) for (const gear of ['shop', 'ask']) this.stack.ports[`${edge}-${gear}`] = await freePort();
    await super.open();
    this.start = Date.now();
  }

  // Most of the disk is only reserved: writing gigabytes would be a load of its own.
  stopSink() {
    const { bavail, bsize } = statfsSync(this.disk.directory);
    const done = spawnSync('fallocate', ['-l', String(bavail * bsize - SPARE_BYTES), `${this.disk.directory}/filler`], { encoding: 'utf8' });
    if (done.status !== 0) throw new Error(`fallocate: ${done.stderr ?? done.error}`);
    super.stopSink();
  }

  state() {
    return transitionsOf(this.stack.log('edge')).at(-1)?.to ?? 'normal';
  }

  enters(state) {
    return until(`the edge is in ${state}; it is in ${this.state()}`, () => this.state() === state, PATIENCE_MS);
  }

  // The edge whose kiosk is asked, until told otherwise.
  async ask(pair) {
    const current = this.askings.at(-1);
    if (current?.pair === pair) return;
    await current?.load.stop();
    this.askings.push({ pair, load: this.run(`asking${this.askings.length}`, `${pair}-ask`, 'as', this.asked) });
  }

  // The edge whose shop has its transactions, until told otherwise; undefined: none.
  async sell(pair) {
    if (this.selling?.pair === pair) return;
    await this.selling?.load.stop();
    this.loads += 1;
    this.selling = pair === undefined ? undefined : { pair, load: this.run(`selling${this.loads}`, `${pair}-shop`, 'ld', this.sold) };
  }

  run(name, port, letters, rate) {
    const load = this.load(name, port, letters, rate);
    load.start(this.seed + this.loads + this.askings.length);
    return load;
  }

  async slice(mode, seconds) {
    await pause(SETTLE_MS);
    this.tell(mode);
    const before = await this.wire.stats();
    const from = Date.now();
    await pause(seconds * 1000);
    const to = Date.now();
    const { up } = await this.wire.stats();
    this.slices.push({ mode, pair: this.askings.at(-1).pair, from, to, up: up - before.up });
  }

  // Each mode once; `tell` hears of each as it begins. The backlog is replayed beside the questions alone: the shop's fresh records, which
  // go first, would leave it what is left of the wire.
  async round(seconds, tell) {
    this.tell = tell;
    const [base, live, dead, replay] = this.modes;
    await this.sell(undefined);
    await this.enters('normal');
    await this.ask('bare');
    await this.sell('bare');
    await this.slice(base, seconds);
    await this.ask('edge');
    await this.sell('edge');
    await this.slice(live, seconds);
    this.stopSink();
    await this.enters('divert');
    await this.slice(dead, seconds);
    await pause(this.deadLonger * seconds * 1000);
    await this.sell(undefined);
    this.startSink();
    await this.enters('replay');
    await pause(this.rampMillis);
    await this.slice(replay, seconds);
  }

  // Ends all load and puts to each slice the answers to what was due in it, and what the edge says of its telemetry then.
  async collect() {
    await this.sell(undefined);
    await this.askings.at(-1).load.stop();
    await this.enters('normal');
    await this.stored();
    const changes = [{ time: this.start, to: 'normal' }, ...transitionsOf(this.stack.log('edge'))];
    const replies = new Map();
    for (const { pair, load } of this.askings) replies.set(pair, [...(replies.get(pair) ?? []), ...repliesOf(readFileSync(load.ledger, 'utf8'))]);
    for (const slice of this.slices) {
      const mine = replies.get(slice.pair).filter(({ time, latency }) => time - latency >= slice.from && time - latency < slice.to);
      slice.answers = mine.filter(({ status }) => status === 200).map(({ time, latency }) => ({ due: time - latency, latency }));
      slice.refused = mine.length - slice.answers.length;
      slice.states = shares(changes, slice);
    }
    await this.readTelemetry();
  }

  // Until the metrics of the last slice are in the store.
  async stored() {
    const { to } = this.slices.at(-1);
    await until('the metrics of the last slice are stored', async () => {
      const last = await this.stack.number("select coalesce(max(epoch_ns(time)), 0) from metrics where rack = 'edge' and name = 'fluxrig.link.backlog'");
      return last > (to + 2_000) * 1e6;
    }, 60_000);
  }

  // What left the edge by flow, in bytes, and backlog, window and chunk in the slice: from its own metrics, one point a second.
  async readTelemetry() {
    const rows = await this.stack.rows(`select epoch_ns(time) as at, name, attributes['fluxrig.cause'] as flow, value from metrics
      where rack = 'edge' and name in ('fluxrig.link.sent', ${GAUGES.map((name) => `'fluxrig.link.${name}'`)}) order by time`);
    this.series = new Map();
    for (const { at, name, flow, value } of rows) {
      const key = flow ?? name.split('.').at(-1);
      (this.series.get(key) ?? this.series.set(key, []).get(key)).push([Number(at) / 1e6, Number(value)]);
    }
    for (const slice of this.slices) {
      for (const name of GAUGES) slice[name] = this.series.get(name).filter(([time]) => time >= slice.from && time <= slice.to).map(([, bytes]) => bytes);
      slice.sent = {};
      for (const [flow, points] of this.series) if (!GAUGES.includes(flow)) slice.sent[flow] = between(points, slice.to) - between(points, slice.from);
      slice.replayed = this.replayed(slice);
    }
  }

  // Bytes of the backlog that left in each quarter of a slice.
  replayed({ from, to }) {
    const flows = ['backlog_audit', 'backlog_telemetry'].map((flow) => this.series.get(flow) ?? [[from, 0]]);
    const at = (part) => flows.reduce((sum, points) => sum + between(points, from + (to - from) * part), 0);
    return [0, 1, 2, 3].map((quarter) => at((quarter + 1) / 4) - at(quarter / 4));
  }
}

// The share of a slice that was spent in each state.
function shares(changes, { from, to }) {
  const states = {};
  changes.forEach(({ time, to: state }, i) => {
    const spent = Math.min(changes[i + 1]?.time ?? to, to) - Math.max(time, from);
    if (spent > 0) states[state] = (states[state] ?? 0) + spent / (to - from);
  });
  return states;
}

// The value at a time, of points [time, value] in order: along the line between its neighbours.
function between(points, time) {
  const after = points.findIndex(([at]) => at >= time);
  if (after === 0) return points[0][1];
  if (after < 0) return points.at(-1)[1];
  const [[from, low], [to, high]] = [points[after - 1], points[after]];
  return low + ((high - low) * (time - from)) / (to - from);
}
