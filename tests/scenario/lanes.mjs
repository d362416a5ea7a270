#!/usr/bin/env node
// What telemetry costs business messages, for ./dev bench lanes: one rack asks another over the bus all the while, and each answer is put
// to what the rack's telemetry did then. Modes come in turn, A B C D A B C D, so that drift of the machine meets all alike.
//   lanes.mjs --bare PROGRAM --rounds N --seconds N --json FILE --svg FILE [--only narrow|unlimited] [--keep]   (seconds of each slice)
// Ends with 1 when a slice was not what its mode says; `doubts` in the file say which and why.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { clearLeftovers } from '../faults/leftovers.mjs';
import { Chance } from '../faults/random.mjs';
import { say } from '../faults/table.mjs';
import { EdgeWorld } from './edge_world.mjs';
import { drawLanes } from './lanes_picture.mjs';
import { doubts, secondsOf } from './lanes_proof.mjs';
import { LanesWorld } from './lanes_world.mjs';
import { quantile } from './series.mjs';

const SEED = 1;
// A replay begins slowly, and has its whole budget after 12 s (docs/formats/pressure.md): the narrow wire is full then, the other never.
// `asked` and `sold` have no common divisor: both loads keep fixed times, and with one they would meet, or not, in the same way for the whole run.
const WIRES = {
  // The upstream of a poor branch office, and more telemetry than what it carries beside the questions.
  narrow: { wire: { bitsPerSecond: 2_000_000, delayMicros: 25_000, queueMillis: 200 }, asked: 47, sold: 150, deadLonger: 0, rampMillis: 12_000 },
  unlimited: { wire: { bitsPerSecond: 0, delayMicros: 0, queueMillis: 200 }, asked: 97, sold: 300, deadLonger: 1, rampMillis: 3_000 },
};
const QUANTILES = { p50: 0.5, p99: 0.99, p999: 0.999 };

function sum(slices, pick) {
  return slices.reduce((total, slice) => total + pick(slice), 0);
}

const mean = (values) => values.reduce((total, value) => total + value, 0) / values.length;
const latencies = (slices) => slices.flatMap(({ answers }) => answers.map(({ latency }) => latency)).sort((a, b) => a - b);

// A mode's quantiles over all its answers, the lowest and highest of its slices, and what made it what its name says.
function summarize(mode, slices) {
  const seconds = sum(slices, secondsOf);
  const all = latencies(slices);
  const shares = {};
  for (const slice of slices) for (const [state, share] of Object.entries(slice.states)) shares[state] = (shares[state] ?? 0) + share / slices.length;
  const flows = [...new Set(slices.flatMap(({ sent }) => Object.keys(sent)))];
  const of = (values) => Object.fromEntries(Object.entries(QUANTILES).map(([name, q]) => [name, quantile(values, q)]));
  const each = slices.map((slice) => of(latencies([slice])));
  return {
    mode, slices: slices.length, seconds, answers: all.length, ...of(all), longest: all.at(-1), each,
    spread: Object.fromEntries(Object.keys(QUANTILES).map((name) => [name, [Math.min(...each.map((one) => one[name])), Math.max(...each.map((one) => one[name]))]])),
    states: shares, wire: sum(slices, ({ up }) => up) / seconds,
    sent: Object.fromEntries(flows.map((flow) => [flow, sum(slices, ({ sent }) => sent[flow]) / seconds])),
    window: mean(slices.flatMap(({ window }) => window)), chunk: mean(slices.flatMap(({ chunk }) => chunk)),
    backlog: slices.map(({ backlog }) => [backlog[0], backlog.at(-1)]),
  };
}

async function measure(world, title, { rounds, seconds }) {
  process.on('exit', () => world.release());
  try {
    say(`${title}: the stack starts`);
    await world.open();
    for (let round = 1; round <= rounds; round += 1) {
      await world.round(seconds, (mode) => say(`${title}: round ${round} of ${rounds}: ${mode}`));
    }
    say(`${title}: the last backlog ends`);
    await world.collect();
  } catch (error) {
    for (const name of world.stack.processes.keys()) console.log(`--- ${name}\n${world.stack.log(name).slice(-1500)}`);
    throw error;
  }
  const modes = world.modes.map((mode) => summarize(mode, world.slices.filter((slice) => slice.mode === mode)));
  for (const mode of modes) mode.ratio = Object.fromEntries(Object.keys(QUANTILES).map((name) => [name, mode[name] / modes[0][name]]));
  return { wire: world.settings.wire, asked: world.asked, sold: world.sold, modes };
}

function readArguments() {
  const text = { type: 'string' };
  const { values } = parseArgs({ options: { bare: text, rounds: text, seconds: text, json: text, svg: text, only: text, keep: { type: 'boolean' } } });
  return { ...values, rounds: Number(values.rounds), seconds: Number(values.seconds) };
}

async function main() {
  const settings = readArguments();
  const lacks = EdgeWorld.lacks();
  if (lacks) throw new Error(lacks);
  clearLeftovers();
  const report = { rounds: settings.rounds, seconds: settings.seconds };
  const wrong = [];
  let picture = '';
  for (const [title, setting] of Object.entries(WIRES)) {
    if (settings.only && settings.only !== title) continue;
    const world = new LanesWorld(new Chance(SEED), SEED, { ...setting, bareProgram: settings.bare });
    report[title] = await measure(world, title, settings);
    wrong.push(...doubts(world).map((sentence) => `${title}: ${sentence}`));
    if (title === 'narrow') picture = drawLanes(world);
    await world.close(settings.keep);
    if (settings.keep) say(`kept: ${world.stack.directory}`);
  }
  for (const file of [settings.json, settings.svg]) mkdirSync(dirname(file), { recursive: true });
  writeFileSync(settings.json, `${JSON.stringify({ ...report, doubts: wrong }, null, 1)}\n`);
  if (picture) writeFileSync(settings.svg, picture);
  for (const sentence of wrong) say(`not what it should be: ${sentence}`);
  return wrong.length === 0 ? 0 : 1;
}

process.exit(await main());
