#!/usr/bin/env node
// The pressure chain over real servers, by itself: the store refuses commits -> DIVERT -> the wire is cut -> it is back -> the
// store takes again -> REPLAY -> NORMAL, under load all the while. Then an outside ledger against the store, and pictures of the run.
//   pressure.mjs [--seconds N] [--seed S] [--short] [--docs] [--keep]
// --seconds: how long the store refuses (default 60), a half of it with the wire cut; --docs: the pictures go to docs/pictures too.
import { randomInt } from 'node:crypto';
import { copyFileSync, mkdirSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { root } from '../e2e/stack.mjs';
import { until } from '../e2e/suite.mjs';
import { clearLeftovers } from '../faults/leftovers.mjs';
import { Chance } from '../faults/random.mjs';
import { say } from '../faults/table.mjs';
import { pause } from '../e2e/waiting.mjs';
import { Claims, must } from './claims.mjs';
import { EdgeWorld } from './edge_world.mjs';
import { judge } from './oracle.mjs';
import { Observer } from './observer.mjs';
import { drawRun } from './pressure_picture.mjs';
import { Sampler } from './sampler.mjs';
import { transitionsOf } from './series.mjs';

const SHORT = { seconds: 24, shop: 60, kiosk: 20, calm: 5, patience: 60_000 };
const FULL = { seconds: 60, shop: 150, kiosk: 30, calm: 20, patience: 300_000 };
const LEAST_SECONDS = 16;  // shorter outages are not noticed as a lost connection
// 4 Mbit/s, 20 ms each way: a fair branch office.
const WIRE = { bitsPerSecond: 4_000_000, delayMicros: 20_000, queueMillis: 200 };
const TELEMETRY = '{ audit: { durability: commit }, sampling: { ratio: 1 }, metrics: { interval: 1s } }';

function readArguments() {
  const wrong = (text) => {
    console.error(`scenario pressure: ${text}\nusage: ./dev scenario pressure [--seconds N] [--seed S] [--short] [--docs] [--keep]`);
    process.exit(2);
  };
  const whole = (text, name, least) => (/^\d{1,9}$/.test(text) && Number(text) >= least ? Number(text) : wrong(`${name} ${text}: write a whole number of at least ${least}`));
  try {
    const { values } = parseArgs({ options: { seconds: { type: 'string' }, seed: { type: 'string' }, short: { type: 'boolean' }, docs: { type: 'boolean' }, keep: { type: 'boolean' } } });
    const settings = { ...(values.short ? SHORT : FULL), docs: values.docs, keep: values.keep, seed: values.seed === undefined ? randomInt(1, 2 ** 31) : whole(values.seed, '--seed', 0) };
    if (values.seconds !== undefined) settings.seconds = whole(values.seconds, '--seconds', LEAST_SECONDS);
    return settings;
  } catch (error) {
    return wrong(error.message);
  }
}

// What happens to the stack, and what it must do by itself each time. Everything is noted in `run`.
class Script {
  constructor(world, run, settings) {
    Object.assign(this, { world, run, settings });
  }

  mark(word) {
    this.run.marks.push({ time: Date.now(), word });
    say(`        ${word}`);
  }

  transitions() {
    return transitionsOf(this.world.stack.log('edge'));
  }

  state() {
    return this.transitions().at(-1)?.to ?? 'normal';
  }

  // Bytes of the edge's telemetry, both lanes, that passed by on the bus since `from`, an index into what was seen.
  sentSince(from) {
    return this.run.observer.passed.slice(from).filter(({ machine }) => machine === this.run.machine).reduce((sum, { bytes }) => sum + bytes, 0);
  }

  // When the edge last entered this state, waited for.
  async enters(state, milliseconds) {
    const began = Date.now();
    await until(`the edge is in ${state}; it is in '${this.state()}'`, () => this.state() === state, milliseconds);
    const { cause } = this.transitions().at(-1);
    return `${((Date.now() - began) / 1000).toFixed(1)} s after; cause: ${cause}`;
  }

  async calm() {
    await until('the edge is in NORMAL before anything happens', () => this.state() === 'normal', 60_000);
    await pause(this.settings.calm * 1000);
    must(this.state() === 'normal', `without a reason it went to ${this.state()}`);
    must(this.run.observer.leases.length > 0, 'no lease was seen on the bus');
    must(this.run.observer.leases.at(-1).level === 0, 'the mixer has pressure before anything happened');
    const sent = this.sentSince(0);
    must(sent > 0, 'no telemetry of the edge was seen on the bus');
    return `${sent} bytes of telemetry`;
  }

  async stopSink() {
    this.mark('store refuses commits');
    this.world.stopSink();
    const entered = await this.enters('divert', 40_000);
    const level = Math.max(...this.run.observer.leases.slice(-5).map((lease) => lease.level));
    must(level >= 2, `the mixer's lease says level ${level}`);
    await pause(this.settings.seconds * 250);
    return `${entered}; the mixer's level ${level}`;
  }

  async cut() {
    this.mark('wire cut');
    await this.world.wire.order('cut');
    await pause(this.settings.seconds * 500);
    must(this.state() === 'divert', `with the wire cut the edge is in ${this.state()}`);
    const { racks } = await this.world.stack.api('/api/v1/racks');
    const rack = racks.find((one) => one.rack === 'edge');
    return `the mixer last heard of it at ${rack.last_seen} and calls it ${rack.state}`;
  }

  async join() {
    this.mark('wire back');
    const before = this.run.observer.passed.length;
    const welcomes = () => this.world.stack.log('edge').split('welcomed this rack').length;
    const known = welcomes();
    await this.world.wire.order('join');
    await until('the edge is on the bus again', () => welcomes() > known, 60_000);
    await pause(this.settings.seconds * 250);
    must(this.state() === 'divert', `the store still refuses, and the edge is in ${this.state()}`);
    const sent = this.sentSince(before);
    must(sent === 0, `in DIVERT it sent ${sent} bytes of telemetry`);
    return 'DIVERT all the same, and none of its telemetry on the bus';
  }

  async startSink() {
    this.mark('store takes again');
    this.world.startSink();
    return this.enters('replay', 60_000);
  }

  async drain() {
    const took = await this.enters('normal', this.settings.patience);
    this.mark('NORMAL again');
    await pause(this.settings.calm * 500);
    must(this.state() === 'normal', `it did not stay: ${this.state()}`);
    return took;
  }
}

async function play(world, run, settings, claims) {
  const script = new Script(world, run, settings);
  const steps = [
    ['before anything happens there is no pressure', () => script.calm()],
    ['the store refuses commits: the edge diverts', () => script.stopSink()],
    ['the wire is cut: the edge stays in DIVERT', () => script.cut()],
    ['the wire is back, the store still refuses: DIVERT', () => script.join()],
    ['the store takes again: REPLAY', () => script.startSink()],
    ['the backlog ends: NORMAL', () => script.drain()],
  ];
  for (const [name, step] of steps) if (!await claims.hold(name, step)) return false;
  return true;
}

async function main() {
  const settings = readArguments();
  const claims = new Claims();
  await claims.needs(EdgeWorld.lacks());
  clearLeftovers();
  say(`seed ${settings.seed}: the store refuses for ${settings.seconds} s; ${settings.shop} + ${settings.kiosk} requests a second`);
  const world = new EdgeWorld(new Chance(settings.seed), settings.seed, { wire: WIRE, telemetry: TELEMETRY });
  process.on('exit', () => world.release());
  const run = { marks: [], observer: new Observer(), settings, world };
  let good = await claims.hold('the stack starts, under load', async () => {
    await world.open();
    await run.observer.open(world.stack, world.wire.here);
    run.shop = world.load('shop', 'shop', 'ld', settings.shop);
    run.kiosk = world.load('kiosk', 'ask', 'as', settings.kiosk, 8);
    run.start = Date.now();
    for (const load of [run.shop, run.kiosk]) load.start(settings.seed);
    const { racks } = await world.stack.api('/api/v1/racks');
    run.machine = racks.find((rack) => rack.rack === 'edge').machine_id;
    run.sampler = new Sampler(world.stack, { wire: world.wire });
    run.sampler.start();
  });
  try {
    good = good && await play(world, run, settings, claims);
    good = good && await judge(world, run, claims);
    if (run.sampler) {
      await claims.hold('pictures', async () => {
        const files = await drawRun(world, run, `${root}build/scenario`);
        const docs = `${root}docs/pictures`;
        if (settings.docs) {
          mkdirSync(docs, { recursive: true });
          for (const file of files) copyFileSync(file, `${docs}/${file.split('/').at(-1)}`);
        }
        return files.join(' ');
      });
    }
  } finally {
    const keep = settings.keep || claims.failed > 0;
    await run.sampler?.stop();
    await run.observer.close();
    for (const [name, { result }] of world.stack.processes) if (result) say(`        ${name} has ended: ${JSON.stringify(result)}`);
    if (keep) say(`        kept: ${world.stack.directory}; again: ./dev scenario pressure --seconds ${settings.seconds} --seed ${settings.seed}`);
    await world.close(keep);
  }
  claims.finish();
}

await main();
