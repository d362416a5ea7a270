#!/usr/bin/env node
// Telemetry (P2) offered at ten times what the wire carries, for a minute: the rack's memory stays within its bound, and for every
// record produced the drop ledger knows whether it was stored or dropped, and why.
//   overload.mjs [--seconds N] [--seed S] [--keep]
// The wire is wide at first: what the rack sends then is what it offers. A tenth of that is the wire's rate in the overload.
import { randomInt } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { root } from '../e2e/stack.mjs';
import { until } from '../e2e/suite.mjs';
import { clearLeftovers } from '../faults/leftovers.mjs';
import { Chance } from '../faults/random.mjs';
import { say } from '../faults/table.mjs';
import { pause } from '../e2e/waiting.mjs';
import { draw } from './chart.mjs';
import { Claims, must } from './claims.mjs';
import { EdgeWorld } from './edge_world.mjs';
import { Observer } from './observer.mjs';
import { memoryOf, Sampler } from './sampler.mjs';
import { rates, transitionsOf } from './series.mjs';

const TIMES = 10;
const RATE = 500;  // transactions a second
const CALM_SECONDS = 10;
const DRAIN_MS = 240_000;
const MIB = 2 ** 20;
// What a rack may take beyond what it has under the same load on a wide wire: its queue of telemetry (lane::TelemetryQueue), the largest
// window in flight (rack::Outbox), what its backlog has not synced (lane::TelemetryBacklog), and one for the allocator.
const BOUND_MIB = 4 + 2 + 1 + 1;
const WIDE = { bitsPerSecond: 0, delayMicros: 20_000, queueMillis: 200 };
const TELEMETRY = '{ audit: { durability: commit }, sampling: { ratio: 1 }, metrics: { interval: 1s } }';

function readArguments() {
  const { values } = parseArgs({ options: { seconds: { type: 'string', default: '60' }, seed: { type: 'string' }, keep: { type: 'boolean' } } });
  if (!/^\d{1,5}$/.test(values.seconds) || (values.seed && !/^\d{1,9}$/.test(values.seed))) {
    console.error('usage: ./dev scenario overload [--seconds N] [--seed S] [--keep]');
    process.exit(2);
  }
  return { seconds: Number(values.seconds), seed: values.seed ? Number(values.seed) : randomInt(1, 2 ** 31), keep: values.keep };
}

const pidOf = (world) => world.stack.processes.get('edge').child.pid;

// Bytes of P2 a second that the edge sent since `from` (index into what the observer saw) over `seconds`.
const offered = (run, from, seconds) => run.observer.passed.slice(from).filter(({ machine, lane }) => machine === run.machine && lane === 'telemetry').reduce((sum, { bytes }) => sum + bytes, 0) / seconds;

async function calm(world, run) {
  await pause(3_000);
  const from = run.observer.passed.length;
  await pause(CALM_SECONDS * 1000);
  run.offered = offered(run, from, CALM_SECONDS);
  must(run.offered > 0, 'no telemetry was seen on the bus');
  run.base = memoryOf(pidOf(world)).resident;
  run.bits = Math.round((run.offered * 8) / TIMES);
  return `${(run.offered / 1e3).toFixed(0)} kB/s of P2 offered; resident ${(run.base / MIB).toFixed(1)} MiB`;
}

async function overload(world, run, settings) {
  await world.wire.order(`rate ${run.bits}`);
  run.overloadFrom = Date.now();
  await pause(settings.seconds * 1000);
  run.overloadTo = Date.now();
  const samples = run.sampler.samples.filter(({ time, memory }) => time >= run.overloadFrom && memory.edge);
  run.highest = Math.max(...samples.map(({ memory }) => memory.edge.resident));
  const grown = (run.highest - run.base) / MIB;
  must(grown <= BOUND_MIB, `resident grew by ${grown.toFixed(1)} MiB to ${(run.highest / MIB).toFixed(1)} MiB; its bound is ${BOUND_MIB} MiB more than without overload`);
  return `wire of ${(run.bits / 1e3).toFixed(0)} kbit/s; resident at most ${(run.highest / MIB).toFixed(1)} MiB, ${grown.toFixed(1)} more than before (bound ${BOUND_MIB})`;
}

async function answeredAlways(run) {
  await run.load.stop();
  const entries = run.load.entries();
  const bad = entries.filter(({ status }) => status !== 200);
  must(entries.length > 0 && bad.length === 0, `${bad.length} of ${entries.length} were not answered with 200`);
  return `${entries.length} answers`;
}

async function drain(world) {
  const began = Date.now();
  await world.wire.order('rate 0');
  const state = () => transitionsOf(world.stack.log('edge')).at(-1)?.to ?? 'normal';
  await until('the edge is in NORMAL, and its audit log is stored', async () => {
    const { racks } = await world.stack.api('/api/v1/racks');
    const lag = racks.find(({ rack }) => rack === 'edge').audit?.lag_records;
    if (state() !== 'normal' || lag !== 0) throw new Error(`it is in ${state()}, ${lag} records behind`);
    return true;
  }, DRAIN_MS);
  return `${((Date.now() - began) / 1000).toFixed(0)} s`;
}

// Of the edge: the sums over hours and signals.
async function exact(world, run) {
  await world.stack.stop('edge', 'SIGTERM', 60_000);  // its last statement is final
  let rows;
  await until('the ledger is exact', async () => {
    const done = world.stack.run(['audit', 'ledger', 'edge', '--json'], { timeout: 30_000 });
    if (done.code !== 0) throw new Error(`exit ${done.code}: ${done.err}${done.out}`);
    rows = JSON.parse(done.out).ledger;
    return rows.length > 0 && rows.every(({ waiting }) => Number(waiting) === 0);
  }, 90_000);
  const sum = (pick) => rows.reduce((total, row) => total + Number(pick(row)), 0);
  const causes = {};
  for (const { dropped } of rows) for (const [cause, count] of Object.entries(dropped)) causes[cause] = (causes[cause] ?? 0) + Number(count);
  const lost = Object.values(causes).reduce((total, count) => total + count, 0);
  const [produced, stored, unaccounted] = [sum((row) => row.produced), sum((row) => row.stored), sum((row) => row.unaccounted)];
  must(lost > 0, 'nothing was dropped: it was no overload');
  must(unaccounted === 0 && produced === stored + lost, `${produced} produced, ${stored} stored, ${lost} dropped, ${unaccounted} unaccounted for`);
  run.ledger = { produced, stored, causes };
  return `${produced} produced = ${stored} stored + ${lost} dropped (${Object.entries(causes).filter(([, count]) => count).map(([cause, count]) => `${cause} ${count}`).join(', ')})`;
}

function picture(run) {
  const at = (time) => (time - run.start) / 1e3;
  const samples = run.sampler.samples;
  const sampled = (pick) => samples.filter((sample) => pick(sample) !== undefined).map((sample) => [at(sample.time), pick(sample)]);
  mkdirSync(`${root}build/scenario`, { recursive: true });
  writeFileSync(`${root}build/scenario/overload.svg`, draw({
    title: 'Ten times more telemetry than the wire carries', seconds: at(samples.at(-1).time),
    subtitle: `${(run.offered / 1e3).toFixed(0)} kB/s of P2 offered over a wire of ${(run.bits / 8e3).toFixed(0)} kB/s`,
    marks: [{ at: at(run.overloadFrom), word: 'overload' }, { at: at(run.overloadTo), word: 'wide again' }],
    panels: [
      { title: 'Resident memory of the rack', unit: 'MiB', limit: { value: run.base / MIB + BOUND_MIB, word: 'bound' }, lines: [{ name: 'edge', colour: '#2e7d32', points: sampled(({ memory }) => memory.edge && memory.edge.resident / MIB) }] },
      { title: 'Over the wire', unit: 'kB/s', lines: [{ name: 'towards the mixer', colour: '#1565c0', points: rates(sampled(({ wire }) => wire && wire.up / 1e3)) }] },
    ],
  }));
  return 'build/scenario/overload.svg';
}

async function main() {
  const settings = readArguments();
  const claims = new Claims();
  await claims.needs(EdgeWorld.lacks());
  clearLeftovers();
  const world = new EdgeWorld(new Chance(settings.seed), settings.seed, { wire: WIDE, telemetry: TELEMETRY });
  process.on('exit', () => world.release());
  const run = { observer: new Observer() };
  const steps = [
    ['the stack starts, under load', async () => {
      await world.open();
      await run.observer.open(world.stack, world.wire.here);
      run.machine = (await world.stack.api('/api/v1/racks')).racks.find((rack) => rack.rack === 'edge').machine_id;
      run.load = world.load('load', 'shop', 'ld', RATE);
      run.start = Date.now();
      run.load.start(settings.seed);
      run.sampler = new Sampler(world.stack, { wire: world.wire });
      run.sampler.start();
    }],
    ['a wide wire: what is offered', () => calm(world, run)],
    [`${TIMES} times capacity for ${settings.seconds} s: memory keeps its bound`, () => overload(world, run, settings)],
    ['P0: every request was answered', () => answeredAlways(run)],
    ['a wide wire again: the backlog ends, and all is stored', () => drain(world)],
    ['P2: the drop ledger is exact', () => exact(world, run)],
    ['picture', () => picture(run)],
  ];
  try {
    for (const [name, step] of steps) if (!await claims.hold(name, step)) break;
  } finally {
    const keep = settings.keep || claims.failed > 0;
    await run.sampler?.stop();
    await run.observer.close();
    if (keep) say(`        kept: ${world.stack.directory}; again: ./dev scenario overload --seconds ${settings.seconds} --seed ${settings.seed}`);
    await world.close(keep);
  }
  claims.finish();
}

await main();
