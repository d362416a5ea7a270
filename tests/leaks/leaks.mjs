#!/usr/bin/env node
// Pushes cards through every way in, in every encoding, under kill -9; then looks for them in the raw bytes of every
// place. Nothing may be found. The same with programs whose sanitiser does nothing, which must be found in every place:
// a search that finds nothing there would prove nothing.
//
// leaks.mjs [--numbers N] [--seed S] [--only sanitised|unsanitised]
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { presetClock } from '../faults/clock.mjs';
import { request, root } from '../e2e/stack.mjs';
import { until } from '../e2e/waiting.mjs';
import { apiIngresses, BYTE_INGRESSES, configurationIngresses, encodingsOf, TEXT_INGRESSES } from './ingress.mjs';
import { makeCards, Random } from './numbers.mjs';
import { files, TABLES } from './places.mjs';
import { HalfMasked, namedCodes, Search } from './search.mjs';
import { World } from './world.mjs';

const { values: options } = parseArgs({ options: { numbers: { type: 'string', default: '2000' }, seed: { type: 'string', default: String(Date.now()) }, only: { type: 'string' } } });
const WORKERS = 16;
const HOUR = 3_600_000;
// The unsanitised programs need no more to be found everywhere.
const FEW = 400;
const SANITISED = join(root, 'build/bin');
const UNSANITISED = join(root, 'build/unsanitised');

// Places in which the unsanitised programs must be found out.
const MUST_LEAK = ['rack: audit log (WAL)', 'rack: spool of messages', 'rack: backlog of telemetry', 'mixer: JetStream, messages', 'mixer: JetStream, audit',
  'mixer: JetStream, telemetry', 'mixer: DuckDB', 'the store\'s rows', 'rows out of Parquet', 'logs', 'the bus, as its subscribers see it', 'OTLP bodies', 'replies of the API', 'what programs say of their configuration'];

class Run {
  constructor(world, cards, random) {
    Object.assign(this, { world, cards, random, next: 0, pushed: new Map() });
    this.places = new Map();  // place -> [bytes]
    this.w = { ports: world.stack.ports };
    mkdirSync(world.stack.path('inputs'));
  }

  keep(place, ...bytes) {
    if (!this.places.has(place)) this.places.set(place, []);
    this.places.get(place).push(...bytes);
  }

  card() {
    const card = this.cards[this.next % this.cards.length];
    this.next += 1;
    card.trace = (card.number + 1).toString(16).padStart(8, 'a').repeat(4);
    return card;
  }

  note(card, ingress, encoding) {
    if (!this.pushed.has(card.number)) this.pushed.set(card.number, []);
    this.pushed.get(card.number).push(`${ingress} (${encoding})`);
  }

  // `count` cards, each through one way in and in one encoding; all combinations in turn.
  async push(count) {
    const jobs = [];
    for (const bytes of [false, true])
      for (const [ingress, send] of Object.entries(bytes ? BYTE_INGRESSES : TEXT_INGRESSES))
        for (const [encoding, encode] of encodingsOf(bytes)) jobs.push({ ingress, send, encoding, encode });
    let left = count;
    const worker = async () => {
      while (left > 0) {
        left -= 1;
        const { ingress, send, encoding, encode } = jobs[(this.offset = (this.offset ?? 0) + 1) % jobs.length];
        const card = this.card();
        this.note(card, ingress, encoding);
        this.keep('replies of the gears', await send(this.w, card, encode(card.pan, card), this.random));
      }
    };
    await Promise.all(Array.from({ length: WORKERS }, worker));
    return jobs.length;
  }

  async pushApi() {
    for (const [ingress, send] of Object.entries(apiIngresses(this.world.stack)))
      for (const [encoding, encode] of encodingsOf(false)) {
        const card = this.card();
        this.note(card, ingress, encoding);
        this.keep('replies of the API', await send(card, encode(card.pan, card)));
      }
  }

  pushConfiguration() {
    for (const [ingress, send] of Object.entries(configurationIngresses(this.world.stack)))
      for (const [encoding, encode] of encodingsOf(false).slice(0, 4)) {
        const card = this.card();
        this.note(card, ingress, encoding);
        this.keep('what programs say of their configuration', send(card, encode(card.pan, card)));
      }
  }

  keepFiles() {
    for (const [place, bytes] of files(this.world.stack.directory)) this.keep(place, bytes);
  }

  // Every row, as DuckDB unpacks it.
  async keepRows(place) {
    for (const table of TABLES) {
      const { rows } = await this.world.stack.api(`/api/v1/sql?limit=100000&q=${encodeURIComponent(`SELECT * FROM ${table}`)}`);
      this.keep(place, Buffer.from(rows.map((row) => row.join('\n')).join('\n')));
    }
    for (const list of ['racks', 'status', 'dead-letters', 'doubt', 'audit/status', 'audit/alarms', 'audit/ledger', 'transactions?limit=1000', 'logs?limit=1000'])
      this.keep('replies of the API', Buffer.from(JSON.stringify(await this.world.stack.api(`/api/v1/${list}`))));
    await this.keepMetrics();
  }

  // In both forms that can be pulled.
  async keepMetrics() {
    const { stack } = this.world;
    const token = readFileSync(stack.path('mixer/api-token'), 'utf8').trim();
    for (const accept of ['application/openmetrics-text; version=1.0.0', 'text/plain; version=0.0.4']) {
      const answer = await request(`http://127.0.0.1:${stack.ports.api}/metrics`, { method: 'GET', headers: { accept, authorization: `Bearer ${token}` } });
      assert.equal(answer.status, 200, answer.text);
      this.keep('/metrics', Buffer.from(answer.text));
    }
  }
}

async function traffic(run, count) {
  const { stack } = run.world;
  const combinations = await run.push(Math.ceil(count * 0.6));
  run.pushConfiguration();
  await run.pushApi();
  // Without a mixer: messages and telemetry stay on the rack's disk, and a kill leaves everything as it is.
  await stack.stop('mixer', 'SIGKILL');
  await run.push(Math.ceil(count * 0.25));
  await until('telemetry waits on the disk', () => files(stack.directory).some(([place]) => place.endsWith('telemetry') && place.startsWith('rack')), 20_000);
  await stack.stop('edge', 'SIGKILL');
  run.keepFiles();
  await stack.startRack('edge', { welcomed: false });
  await stack.startMixer();
  for (const rack of ['edge', 'host']) await stack.waitLog(rack, 'welcomed this rack', 30_000).catch(() => {});
  await run.push(Math.ceil(count * 0.15));
  await run.pushApi();
  return combinations;
}

async function stored(run) {
  const { stack } = run.world;
  await until('what the racks have is in the store', async () => {
    const { racks } = await stack.api('/api/v1/racks');
    const here = racks.filter((rack) => ['edge', 'host'].includes(rack.rack));
    return here.length === 2 && here.every((rack) => rack.audit && rack.audit.lag_records < 20);
  }, 60_000);
}

// Rows move to Parquet when their hour is over: the mixer's clock goes three hours ahead.
async function archive(run) {
  const { stack } = run.world;
  for (const rack of ['edge', 'host']) await stack.stop(rack);
  await stack.stop('mixer');
  presetClock(stack, 'mixer', 3 * HOUR);
  await stack.startMixer();
  await until('the store wrote Parquet', () => files(stack.directory).some(([, , name]) => name.endsWith('.parquet')), 60_000);
  await run.keepRows('rows out of Parquet');
  await stack.stop('mixer');
}

async function through(programs, profile, name, cards, count) {
  const random = new Random(`${options.seed} ${profile}`);
  const world = await World.start({ programs, profile, name });
  const run = new Run(world, cards, random);
  try {
    run.combinations = await traffic(run, count);
    await stored(run);
    await run.keepRows('the store\'s rows');
    await archive(run);
    run.keep('the bus, as its subscribers see it', ...world.bus);
    run.keep('OTLP bodies', ...world.backEnd.requests.map((request) => request.body));
    run.keepFiles();
    return searched(run);
  } finally {
    await world.close();
  }
}

function searched(run) {
  const search = new Search(run.cards);
  const masks = new HalfMasked(run.cards);
  const table = [];
  for (const [place, parts] of run.places) {
    const bytes = Buffer.concat(parts.flatMap((part) => [part, Buffer.from('\n')]));
    const hits = search.in(bytes);
    const codes = namedCodes(bytes, run.cards);
    table.push({ place, bytes: bytes.length, hits, codes, halves: masks.in(bytes),
      where: [...new Set(hits.flatMap(({ card }) => run.pushed.get(card.number) ?? ['never pushed']))] });
  }
  return { table: table.sort((a, b) => (a.place < b.place ? -1 : 1)), pushes: run.next, combinations: run.combinations };
}

function print(title, { table, pushes, combinations }) {
  console.log(`\n${title}: ${pushes} pushes, ${combinations} ways in x encodings at the racks`);
  console.log(`  ${'place'.padEnd(44)} ${'bytes'.padStart(12)} ${'found'.padStart(7)} ${'codes'.padStart(6)} half-masked`);
  for (const { place, bytes, hits, codes, halves } of table)
    console.log(`  ${place.padEnd(44)} ${String(bytes).padStart(12)} ${String(hits.length).padStart(7)} ${String(codes.length).padStart(6)} ${halves.length}`);
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

async function sanitised(cards) {
  const result = await through(SANITISED, 'production', 'shop', cards, Number(options.numbers));
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
}

async function unsanitised(cards) {
  const few = cards.slice(0, FEW);
  const named = `g${few[0].pan}`;
  const result = await through(UNSANITISED, 'development', named, few, FEW * 3);
  print('without it', result);
  for (const place of MUST_LEAK)
    claim(`without the sanitiser, ${place}: found out`, () => {
      const row = result.table.find((entry) => entry.place === place);
      assert.ok(row && row.hits.length > 0, `${place}: nothing found, so the search there proves nothing`);
    });
}

const cards = makeCards(new Random(options.seed), Number(options.numbers));
console.log(`${cards.length} cards, seed ${options.seed}`);
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
