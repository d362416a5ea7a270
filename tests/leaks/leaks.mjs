#!/usr/bin/env node
// Pushes cards through every way in, in every encoding, under kill -9; then looks for them in the raw bytes of every
// place. Nothing may be found. The same with programs whose sanitiser does nothing, which must be found in every place:
// a search that finds nothing there would prove nothing.
//
// leaks.mjs [--numbers N] [--seed S] [--only sanitised|unsanitised] [--docs]
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { root } from '../e2e/stack.mjs';
import { documented, placesTable, waysTable, write } from './matrix.mjs';
import { makeCards, Random } from './numbers.mjs';
import { MONITOR } from './places.mjs';
import { Run } from './run.mjs';
import { DECODED, HalfMasked, NamedCodes, Search } from './search.mjs';
import { archive, stored, traffic } from './traffic.mjs';
import { World } from './world.mjs';

const { values: options } = parseArgs({ options: { numbers: { type: 'string', default: '2000' }, seed: { type: 'string', default: String(Date.now()) },
  only: { type: 'string' }, docs: { type: 'boolean', default: false } } });
const NUMBERS = Number(options.numbers);
// The unsanitised programs need no more to be found everywhere.
const FEW = 400;
// One number in so many is for who writes to the bus with a rack's certificate, and one for the spans of services.
const APART = 20;
const [BUS, SERVICES] = [APART - 1, APART - 2];
// A message for each number of a short run; of a long one, many numbers in a field.
const TOGETHER = Math.min(8, Math.max(1, Math.round(NUMBERS / 10_000)));
const SANITISED = join(root, 'build/bin');
const UNSANITISED = join(root, 'build/unsanitised');

// Places in which the unsanitised programs must be found out.
const MUST_LEAK = ['rack: audit log (WAL)', 'rack: spool of messages', 'rack: backlog of telemetry', 'mixer: JetStream, messages', 'mixer: JetStream, audit',
  'mixer: JetStream, telemetry', 'mixer: DuckDB', 'the store\'s rows', 'rows out of Parquet', 'logs', MONITOR, 'the bus, as its subscribers see it', 'OTLP bodies', 'replies of the API', 'what programs say of their configuration'];

// Encodings in which numbers that services send can stand in the store.
const CARRIED = DECODED.filter((encoding) => !['EBCDIC', 'packed, both', 'integers, doubles', 'half-masked', 'named codes'].includes(encoding));

async function through(programs, profile, name, { cards, count, kills, together }) {
  const apart = (which) => cards.filter(({ number }) => number % APART === which);
  const tools = { search: new Search(cards), masks: new HalfMasked(cards), codes: new NamedCodes(cards) };
  const world = await World.start({ programs, profile, name });
  const run = new Run(world, { cards: cards.filter(({ number }) => number % APART < SERVICES), smuggled: apart(BUS), services: apart(SERVICES), tools, random: new Random(`${options.seed} ${profile}`), together });
  try {
    await traffic(run, count, kills);
    await stored(run);
    await run.keepRows('the store\'s rows');
    await archive(run);
    for (const bytes of world.bus) run.keep('the bus, as its subscribers see it', bytes);
    for (const { body } of world.backEnd.requests) run.keep('OTLP bodies', body);
    run.keepFiles();
    return { ...run.result(), received: run.received };
  } finally {
    await world.close();
  }
}

function print(title, { table, pushes, numbers, crossed }) {
  const pairs = [...crossed.values()].reduce((sum, encodings) => sum + encodings.size, 0);
  console.log(`\n${title}: ${numbers} numbers in ${pushes} pushes, ${pairs} pairs of way in and encoding, ${Math.round(process.uptime())} s`);
  console.log(`  ${'place'.padEnd(50)} ${'bytes'.padStart(12)} ${'found'.padStart(7)} ${'codes'.padStart(6)} half-masked`);
  for (const { place, bytes, hits, codes, halves } of table)
    console.log(`  ${place.padEnd(50)} ${String(bytes).padStart(12)} ${String(hits.length).padStart(7)} ${String(codes.length).padStart(6)} ${halves.length}`);
}

let passed = 0;
let failed = 0;
function claim(text, check) {
  try {
    check();
    passed += 1;
    console.log(`ok      ${text}`);
  } catch (error) {
    failed += 1;
    console.log(`not ok  ${text}\n    ${String(error.message).split('\n').slice(0, 12).join('\n    ')}`);
  }
}

function claimDocumented(result) {
  for (const [name, table] of [['ways in', waysTable(result.crossed)], ['places', placesTable(result.table)]]) {
    if (options.docs) write(name, table);
    claim(`docs/security.md: the table of ${name} is what this run did`, () => {
      const [said, done] = [documented(name)?.split('\n') ?? [], table.split('\n')];
      assert.deepEqual({ onlyDocumented: said.filter((line) => !done.includes(line)), onlyDone: done.filter((line) => !said.includes(line)) }, { onlyDocumented: [], onlyDone: [] });
    });
  }
}

async function sanitised(cards) {
  const result = await through(SANITISED, 'production', 'shop', { cards, count: NUMBERS, kills: NUMBERS > 5000 ? 12 : 4, together: TOGETHER });
  print('with the sanitiser', result);
  for (const { place, bytes, hits, codes, halves, where } of result.table) {
    claim(`${place}: nothing in ${bytes} bytes`, () => {
      assert.equal(hits.length, 0, `${hits.length} found, such as ${hits.slice(0, 5).map(({ card, encoding }) => `${card.pan} as ${encoding}`).join('; ')}; pushed through ${where.slice(0, 8).join('; ')}`);
      assert.deepEqual(codes, []);
      assert.deepEqual(halves.slice(0, 5), []);
    });
  }
  claim('something was written in every place that is searched', () => {
    for (const place of MUST_LEAK) assert.ok(result.table.some((row) => row.place === place && row.bytes > 50), `${place} is empty`);
  });
  claim('spans of services were stored', () => assert.ok(result.received > 100, `${result.received} spans`));
  claim('every number was pushed', () => assert.equal(result.numbers, cards.length));
  claimDocumented(result);
}

async function unsanitised(cards) {
  const few = cards.slice(0, FEW);
  const named = `g${few[0].pan}`;
  const result = await through(UNSANITISED, 'development', named, { cards: few, count: FEW * 3, kills: 0, together: 1 });
  print('without it', result);
  for (const place of MUST_LEAK)
    claim(`without the sanitiser, ${place}: found out`, () => {
      const row = result.table.find((entry) => entry.place === place);
      assert.ok(row && row.hits.length > 0, `${place}: nothing found, so the search there proves nothing`);
    });
  claim('without the sanitiser, what came with spans of services: found out in the store, in every encoding that they carry', () => {
    const { hits } = result.table.find(({ place }) => place === 'the store\'s rows');
    const encodings = new Set(hits.filter(({ card }) => card.number % APART === SERVICES).map(({ encoding }) => encoding));
    assert.deepEqual(CARRIED.filter((encoding) => !encodings.has(encoding)), []);
  });
}

const cards = makeCards(new Random(options.seed), NUMBERS);
console.log(`${cards.length} cards, seed ${options.seed}, ${TOGETHER} in a field on average`);
for (const [name, action] of [['sanitised', sanitised], ['unsanitised', unsanitised]]) {
  if (options.only && options.only !== name) continue;
  try {
    await action(cards);
  } catch (error) {
    failed += 1;
    console.log(`not ok  ${name}: ${String(error.stack ?? error).split('\n').slice(0, 10).join('\n    ')}`);
  }
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
