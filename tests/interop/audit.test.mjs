// Two verifiers, one page: the program and audit_verifier.mjs judge the same directories and bundles, good ones and ones
// that were tampered with, and have to agree on the records, the signatures, and each fault's kind and place.
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { until } from '../e2e/waiting.mjs';
import { Reader, sha256, verifyPath } from './audit_verifier.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));
const fluxrig = process.env.FLUXRIG ?? join(root, 'build/bin/fluxrig');
const work = mkdtempSync(join(tmpdir(), 'fluxrig-audit-'));
const good = join(work, 'good');
const bundle = join(work, 'good.audit');
after(() => rmSync(work, { recursive: true }));

const freePort = () => new Promise((resolve) => {
  const server = createServer().listen(0, '127.0.0.1', () => {
    const { port } = server.address();
    server.close(() => resolve(port));
  });
});

// One epoch of a real rack: some transactions, then an end of that kind.
async function run(signal) {
  const port = await freePort();
  writeFileSync(join(work, 'rack.yaml'), `rack: edge\ndata: ${good}\ngears:\n  shop: { type: http_server, listen: "127.0.0.1:${port}", routes: [ { path: /, method: POST } ] }\n`
    + '  answer: { type: respond }\nwires: [ shop -> answer ]\n');
  const rack = spawn(fluxrig, ['rack', join(work, 'rack.yaml')], { stdio: 'ignore' });
  const ended = new Promise((resolve) => { rack.on('exit', resolve); });
  try {
    const post = () => fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body: '{}' }).then((answer) => answer.text(), () => undefined);
    await until('an answer', async () => (await post()) !== undefined);
    for (let i = 0; i < 20; i += 1) await post();
    const size = checkpoints();
    await until('a checkpoint', () => checkpoints() > size);
    for (let i = 0; i < 5; i += 1) await post();
  } finally {
    rack.kill(signal);
    await ended;
  }
}

const segments = (path) => readdirSync(join(path, 'audit')).filter((name) => name.endsWith('.wal')).map((name) => join(path, 'audit', name));
const checkpoints = () => (existsSync(join(good, 'audit')) ? segments(good) : [])
  .reduce((sum, path) => sum + readFileSync(path).toString('latin1').split('\u0000\u0001\u0001\u0002\u0002P').length - 1, 0);

before(async () => {
  await run('SIGTERM');
  await run('SIGKILL');
  await run('SIGTERM');
  execFileSync(fluxrig, ['audit', 'export', good, '-o', bundle]);
});

// The order of faults in the same place is nobody's promise.
const said = ({ records, epochs, signed_to, unsigned_tail, faults }) => ({ records, epochs, signed_to, unsigned_tail,
  faults: faults.map(({ kind, epoch, sequence }) => `${epoch} #${sequence} ${kind}`).sort() });

// What each says, in the same words.
function judged(path, keys = []) {
  const keyFile = join(work, 'keys');
  writeFileSync(keyFile, keys.join('\n'));
  const own = spawnSync(fluxrig, ['audit', 'verify', path, '--json', ...(keys.length ? ['--key', keyFile] : [])], { encoding: 'utf8' });
  let first;
  if (own.status !== 1 && own.stdout) first = JSON.parse(own.stdout).machines.map(said);
  let second;
  try {
    second = JSON.parse(JSON.stringify(verifyPath(path, keys), (_, value) => (typeof value === 'bigint' ? Number(value) : value))).map(said);
  } catch { second = undefined; }
  assert.deepEqual(second, first, `the verifiers disagree about ${path}: ${own.stdout}${own.stderr}`);
  return { status: own.status, machines: first };
}

let copies = 0;
function tampered(change) {
  copies += 1;
  const path = join(work, `copy-${copies}`);
  cpSync(good, path, { recursive: true });
  change(path);
  return path;
}
const altered = (path, change) => writeFileSync(path, change(readFileSync(path)));
const flipped = (at) => (bytes) => { bytes[at] ^= 0x04; return bytes; };
const content = (path) => { const bytes = readFileSync(path); let end = bytes.length; while (bytes[end - 1] === 0) end -= 1; return end; };

// The items of the good bundle, to put together another one.
function items() {
  const bytes = readFileSync(bundle);
  const reader = new Reader(bytes);
  const list = [];
  for (let at = 0; at < bytes.length; at = reader.at) {
    reader.item();
    list.push(bytes.subarray(at, reader.at));
  }
  return list;
}
function rebuilt(change) {
  const [head, ...blocks] = items();
  blocks.pop();
  const all = Buffer.concat([head, ...change(blocks)]);
  const count = Buffer.alloc(5, 0x1a);
  count.writeUInt32BE(change(blocks).length, 1);
  const shortest = change(blocks).length < 24 ? count.subarray(4) : change(blocks).length < 256 ? Buffer.from([0x18, count[4]]) : Buffer.from([0x19, count[3], count[4]]);
  const path = join(work, `rebuilt-${copies += 1}.audit`);
  writeFileSync(path, Buffer.concat([all, Buffer.from([0xa3, 0, 0x71]), Buffer.from('fluxrig-audit-end'), Buffer.from([1]), shortest,
    Buffer.from([2, 0x58, 0x20]), Buffer.from(sha256(all), 'hex')]));
  return path;
}

test('the second verifier can be read in one sitting: it stays under 200 lines', () => {
  const lines = readFileSync(join(root, 'tests/interop/audit_verifier.mjs'), 'utf8').trimEnd().split('\n');
  assert.ok(lines.length < 200, `${lines.length} lines`);
  assert.deepEqual(lines.filter((line) => line.length > 145), []);
});

test('both find no fault in three epochs, one of which was killed', () => {
  const directory = judged(good);
  assert.equal(directory.status, 0);
  assert.equal(directory.machines[0].epochs, 3);
  assert.ok(directory.machines[0].records >= 78);
  assert.deepEqual(judged(bundle), directory);
});

test('both name any flipped byte of a directory in the same place', () => {
  for (const file of segments(good)) {
    const end = content(file);
    for (let at = 0; at < end; at += Math.ceil(end / 12)) {
      const result = judged(tampered((path) => altered(file.replace(good, path), flipped(at))));
      assert.equal(result.status, at === 0 || at < end - 120 ? 3 : result.status, `byte ${at}`);
    }
  }
});

test('both miss a segment, and a segment cut short', () => {
  const [first, second] = segments(good).sort((a, b) => readFileSync(a).length - readFileSync(b).length || (a < b ? -1 : 1));
  for (const file of [first, second]) {
    judged(tampered((path) => unlinkSync(file.replace(good, path))));
    judged(tampered((path) => altered(file.replace(good, path), (bytes) => bytes.subarray(0, Math.floor(content(file) / 2)))));
  }
});

test('both refuse another key', () => {
  assert.equal(judged(good, ['11'.repeat(32)]).status, 3);
  assert.equal(judged(bundle, ['11'.repeat(32)]).status, 3);
});

test('both judge bundles from which blocks were dropped, swapped, doubled or altered', async () => {
  const count = items().length - 2;
  for (let i = 0; i < count; i += Math.ceil(count / 15)) {
    const without = rebuilt((blocks) => blocks.filter((_, at) => at !== i));
    const swapped = rebuilt((blocks) => [...blocks.slice(0, i), ...blocks.slice(i, i + 2).reverse(), ...blocks.slice(i + 2)]);
    const doubled = rebuilt((blocks) => [...blocks.slice(0, i + 1), ...blocks.slice(i)]);
    const changed = rebuilt((blocks) => blocks.map((one, at) => (at === i ? flipped(one.length - 9)(Buffer.from(one)) : one)));
    for (const path of i + 1 < count ? [without, swapped, doubled, changed] : [without]) {
      const { status } = judged(path);
      if (path !== without || (i > 0 && i + 1 < count)) assert.equal(status, 3, `block ${i} of ${path}`);
    }
  }
});

test('both refuse a bundle that was cut or changed on its way', () => {
  const bytes = readFileSync(bundle);
  for (let at = 1; at < bytes.length; at += Math.ceil(bytes.length / 20)) {
    const cut = join(work, 'cut.audit');
    writeFileSync(cut, bytes.subarray(0, at));
    assert.notEqual(judged(cut).status, 0);
    writeFileSync(cut, flipped(at)(Buffer.from(bytes)));
    assert.notEqual(judged(cut).status, 0);
  }
});
