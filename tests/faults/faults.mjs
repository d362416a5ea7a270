#!/usr/bin/env node
// Faults on real processes, in rounds, under load; then the load generator's own ledger against the store.
//   faults.mjs [--rounds N] [--seed S] [--only FAMILY|KIND[,...]] [--short]
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { clearLeftovers } from './leftovers.mjs';
import { ClockJumps } from './clock.mjs';
import { Disk } from './disk.mjs';
import { GoOn } from './go_on.mjs';
import { Intent } from './intent.mjs';
import { Network } from './network.mjs';
import { Processes } from './processes.mjs';
import { Chance, seedOf } from './random.mjs';
import { Spool } from './spool.mjs';
import { Store } from './store.mjs';
import { StoreDisk } from './store_disk.mjs';
import { Tampering } from './tampering.mjs';
import { printTable, problems, say } from './table.mjs';

// Rounds of one group at most, share of all rounds, rounds of the short form, and kinds that are too slow for it.
const FAMILIES = [
  { world: Processes, most: 24, share: 40, short: 12 },
  { world: Disk, most: 12, share: 10, short: 4 },
  { world: GoOn, most: 1, share: 4, short: 0 },
  { world: Spool, most: 8, share: 6, short: 0 },
  { world: ClockJumps, most: 14, share: 8, short: 4 },
  { world: Network, most: 15, share: 12, short: 6, slow: ['outage'] },
  { world: Intent, most: 200, share: 10, short: 12 },
  { world: Tampering, most: 32, share: 12, short: 15, slow: ['segment-deleted'] },
  { world: Store, most: 16, share: 8, short: 4 },
  { world: StoreDisk, most: 6, share: 6, short: 2 },
];
const SHORT_SEED = 1;
const DEFAULT_ROUNDS = 200;

function usage(text) {
  const kinds = FAMILIES.map(({ world }) => `  ${world.title}: ${Object.keys(world.faults).join(' ')}`).join('\n');
  console.error(`faults: ${text}\nusage: ./dev faults [--rounds N] [--seed S] [--only FAMILY|KIND[,...]] [--short]\n${kinds}`);
  process.exit(2);
}

function readArguments() {
  let values;
  try {
    ({ values } = parseArgs({ options: { rounds: { type: 'string' }, seed: { type: 'string' }, only: { type: 'string' }, short: { type: 'boolean' } } }));
  } catch (error) {
    usage(error.message);
  }
  const whole = (text, name, least) => (/^\d{1,10}$/.test(text) && Number(text) >= least ? Number(text) : usage(`${name} ${text}: write a whole number`));
  const seed = values.seed === undefined ? (values.short ? SHORT_SEED : randomInt(1, 2 ** 32)) : whole(values.seed, '--seed', 0);
  const rounds = values.rounds === undefined ? (values.short ? 0 : DEFAULT_ROUNDS) : whole(values.rounds, '--rounds', 1);
  return { seed, rounds, only: values.only?.split(',').filter(Boolean) };
}

// Families with the kinds that are wanted, and how many rounds each gets.
function planOf({ rounds, only }) {
  const known = new Set(FAMILIES.flatMap(({ world }) => [world.title, ...Object.keys(world.faults)]));
  for (const word of only ?? []) if (!known.has(word)) usage(`--only ${word}: there is no such family or kind`);
  const wanted = FAMILIES.map((family) => ({
    ...family, kinds: Object.keys(family.world.faults).filter((kind) => !only || only.includes(kind) || only.includes(family.world.title)),
  })).filter(({ kinds }) => kinds.length > 0);
  if (rounds === 0) {
    return wanted.filter(({ short }) => short > 0)
      .map((family) => ({ ...family, rounds: family.short, kinds: family.kinds.filter((kind) => !family.slow?.includes(kind)) }));
  }
  const shares = wanted.reduce((sum, { share }) => sum + share, 0);
  let left = rounds;
  return wanted.map((family, index) => {
    const some = index === wanted.length - 1 ? left : Math.min(left, Math.max(1, Math.round((rounds * family.share) / shares)));
    left -= some;
    return { ...family, rounds: some };
  }).filter((family) => family.rounds > 0);
}

const short = (error) => String(error?.message ?? error).split('\n').slice(0, 6).join('\n    ');

async function runRounds(world, family, deal, rounds) {
  for (const kind of deal) {
    const round = { name: `${family.world.title}/${kind}`, from: Date.now(), lost: 0, doubled: 0, undetected: 0 };
    rounds.push(round);
    try {
      const { wait, note } = await world.strike(kind, round);
      const took = ((Date.now() - round.from - wait) / 1000).toFixed(1);
      say(`${problems(round) ? 'not ok' : 'ok    '}  round ${String(rounds.length).padStart(3)}/${deal.length}  ${round.name.padEnd(32)} after ${wait} ms, service again after ${took} s${note ? `; ${note}` : ''}`);
    } catch (error) {
      round.failed = error;
      say(`not ok  round ${rounds.length}/${deal.length}  ${round.name}: ${short(error)}`);
      return;
    }
  }
}

// One stack, `deal.length` rounds, one comparison. Gives the rounds.
async function runGroup(family, deal, seed, chance) {
  const world = new family.world(chance, seed);
  const rounds = [];
  const group = { name: family.world.title, failed: null };
  const onExit = () => world.release();
  process.on('exit', onExit);
  try {
    await world.open();
    await runRounds(world, family, deal, rounds);
    if (!rounds.some(({ failed }) => failed)) {
      const began = Date.now();
      const summary = await world.settle(rounds);
      say(`        settled in ${((Date.now() - began) / 1000).toFixed(1)} s: ${summary}`);
    }
  } catch (error) {
    group.failed = error;
  }
  const bad = group.failed || rounds.some(problems);
  if (bad) {
    for (const round of rounds) for (const text of (round.examples ?? []).slice(0, 3)) say(`not ok  ${round.name}: ${text}`);
    if (group.failed) say(`not ok  ${group.name}: ${short(group.failed)}`);
    say(`        kept: ${world.stack.directory}`);
    say(`        again: ./dev faults --only ${family.kinds.length === Object.keys(family.world.faults).length ? family.world.title : family.kinds.join(',')} --rounds ${deal.length} --seed ${seed}`);
  }
  await world.close(bad);
  process.off('exit', onExit);
  return { rounds, failed: group.failed };
}

async function main() {
  const settings = readArguments();
  const plan = planOf(settings);
  clearLeftovers();
  say(`seed ${settings.seed}: ${plan.map(({ world, rounds }) => `${world.title} ${rounds}`).join(', ')} rounds`);
  const all = [];
  let passed = 0;
  let failed = 0;
  let index = 0;
  for (const family of plan) {
    const lacks = family.world.lacks();
    if (lacks) {
      failed += 1;
      say(`not ok  ${family.world.title} cannot be tried here: ${lacks}`);
      continue;
    }
    for (let left = family.rounds; left > 0;) {
      const seed = seedOf(settings.seed, index++);
      const chance = new Chance(seed);
      const deal = chance.deal(family.kinds, Math.min(left, family.most));
      left -= deal.length;
      say(`        ${family.world.title}: a group of ${deal.length}, seed ${seed}`);
      const group = await runGroup(family, deal, seed, chance);
      all.push(...group.rounds);
      failed += group.rounds.filter(problems).length + (group.failed ? 1 : 0);
      passed += group.rounds.filter((round) => !problems(round)).length + (group.failed ? 0 : 1);
    }
  }
  const total = printTable(all);
  console.log(`seed ${settings.seed}: ${total?.lost ?? 0} lost, ${total?.doubled ?? 0} doubled, ${total?.undetected ?? 0} undetected tampering`);
  console.log(`${passed} passed, ${failed} failed`);
  process.exit(failed ? 1 : 0);
}

await main();
