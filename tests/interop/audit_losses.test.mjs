// Two verifiers and the losses that a rack declares: a directory with every kind of them (golden/losses, written by
// src/rack/audit_golden_test.cpp), and what somebody may do to a declaration. Both have to list the same losses, and
// to refuse each change at the same sequence.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Reader, crc32c, sha256, verifyPath } from './audit_verifier.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));
const fluxrig = process.env.FLUXRIG ?? join(root, 'build/bin/fluxrig');
const golden = join(root, 'tests/interop/golden/losses');
const work = mkdtempSync(join(tmpdir(), 'fluxrig-losses-'));
after(() => rmSync(work, { recursive: true }));

const [HEADER, CHECKPOINT, LOSS] = [0n, 2n, 4n];

// --- the directory as a list of frames, and back ---

// What this test asks of a block; `places`: where the value of each key begins in its bytes. Nothing of the rotten one.
function parsed(bytes) {
  const reader = new Reader(bytes, 1);
  const places = new Map();
  const map = new Map();
  try {
    while (reader.at < bytes.length) {
      const key = reader.item();
      places.set(key, reader.at);
      map.set(key, reader.item());
    }
  } catch { return {}; }
  return { kind: map.get(1n), epoch: map.get(4n), first: map.get(5n), body: map.get(10n), places };
}

// Every frame: the file that it stands in, and the bytes of its block.
function frames() {
  const all = [];
  for (const file of readdirSync(golden).sort((a, b) => parseInt(a.slice(21), 10) - parseInt(b.slice(21), 10) || (a < b ? -1 : 1))) {
    const bytes = readFileSync(join(golden, file));
    for (let at = 0; bytes[at] === 0x82;) {
      const reader = new Reader(bytes, at + 6);
      all.push({ file, block: Buffer.from(reader.item()), kept: bytes.subarray(at, at + 6) });
      at = reader.at;
    }
  }
  return all;
}

function framed({ block, kept }) {
  const head = block.length < 256 ? Buffer.from([0x58, block.length]) : Buffer.from([0x59, block.length >> 8, block.length & 255]);
  return Buffer.concat([kept, head, block]);
}

// With a checksum that fits: what was changed on purpose.
function sealed(frame, block) {
  const kept = Buffer.from([0x82, 0x1a, 0, 0, 0, 0]);
  kept.writeUInt32BE(crc32c(block), 2);
  return { ...frame, block, kept };
}

let copies = 0;
function written(list) {
  const directory = join(work, `rack-${copies += 1}`, 'audit');
  mkdirSync(directory, { recursive: true });
  for (const file of new Set(list.map((one) => one.file)))
    writeFileSync(join(directory, file), Buffer.concat([...list.filter((one) => one.file === file).map(framed), Buffer.alloc(16)]));
  return directory;
}

// --- both verifiers ---

const said = ({ records, epochs, signed_to, unsigned_tail, losses, faults }) => ({ records, epochs, signed_to, unsigned_tail, losses,
  faults: faults.map(({ kind, epoch, sequence }) => `${epoch} #${sequence} ${kind}`).sort() });

function judged(list) {
  const path = written(list);
  const own = spawnSync(fluxrig, ['audit', 'verify', path, '--json'], { encoding: 'utf8' });
  const [first] = JSON.parse(own.stdout).machines.map(said);
  const [second] = JSON.parse(JSON.stringify(verifyPath(path), (_, value) => (typeof value === 'bigint' ? Number(value) : value))).map(said);
  assert.deepEqual(second, first, `the verifiers disagree about ${path}`);
  assert.equal(own.status, first.faults.length > 0 ? 3 : 0);
  return first;
}

const good = frames();
const losses = good.map((frame, at) => ({ at, ...parsed(frame.block) })).filter(({ kind }) => kind === LOSS);
const declaring = (cause, more = () => true) => losses.find(({ body }) => body.get(0n) === cause && more(body));
const withBlock = (at, change) => good.map((frame, i) => (i === at ? sealed(frame, change(Buffer.from(frame.block))) : frame));
const at = (epoch, sequence, kind) => `${epoch} #${sequence} ${kind}`;

// Where the value of a key of a block's body begins: the body is the last value.
function placeInBody({ at: index, places }, key) {
  const reader = new Reader(good[index].block, places.get(10n) + 1);
  while (reader.item() !== key) reader.item();
  return reader.at;
}

test('the directory is read and written by this test as it stands', () => {
  for (const file of readdirSync(golden)) {
    const bytes = Buffer.concat([...good.filter((one) => one.file === file).map(framed), Buffer.alloc(16)]);
    assert.deepEqual(bytes, readFileSync(join(golden, file)));
  }
});

test('both find no fault and list the same four losses: count, range, cause and times', () => {
  const { faults, losses: listed } = judged(good);
  assert.deepEqual(faults, []);
  assert.deepEqual(listed.map(({ epoch, sequence, cause, count, range }) => [epoch, sequence, cause, count, range]), [
    [1, 4, 'disk_full', 4, undefined], [1, 7, 'io_error', 0, undefined], [2, 3, 'damage', 1, [1, 2, 2]], [2, 4, 'disk_full', undefined, undefined]]);
  assert.deepEqual(listed.map(({ from, to }) => to - from), [2e9, 2e9, 0, NaN], 'the last has no end: the rack was killed');
});

test('both name any byte of a declaration that was altered, whether or not its checksum fits', () => {
  for (const loss of losses) {
    const { length } = good[loss.at].block;
    for (let byte = 0; byte < length; byte += 1) {
      const change = (block) => { block[byte] ^= 0x04; return block; };
      const fits = judged(withBlock(loss.at, change));
      const torn = judged(good.map((frame, i) => (i === loss.at ? { ...frame, block: change(Buffer.from(frame.block)) } : frame)));
      for (const { faults } of [fits, torn]) assert.notEqual(faults.length, 0, `byte ${byte} of the loss in frame ${loss.at}`);
      assert.ok(torn.faults.includes(at(loss.epoch, loss.first, 'alteration')), `byte ${byte}: ${torn.faults}`);
    }
  }
});

test('both refuse a count that was changed, at the declaration', () => {
  const loss = declaring('disk_full', (body) => body.get(1n) === 4n);
  const { faults } = judged(withBlock(loss.at, (block) => { block[placeInBody(loss, 1n)] = 3; return block; }));
  assert.deepEqual(faults, [at(1, 4, 'alteration')]);
});

test('both refuse a range that was widened, at the declaration, and it still excuses what it was signed for only', () => {
  const loss = declaring('damage');
  const place = placeInBody(loss, 4n);
  const { faults } = judged(withBlock(loss.at, (block) => { block[place + 3] = 9; return block; }));
  assert.ok(faults.includes(at(2, 3, 'alteration')), faults);
  // And what the wider range would cover is missed, signed by nobody.
  const gone = good.findIndex(({ block }) => { const { kind, epoch, first } = parsed(block); return kind === 1n && epoch === 1n && first === 6n; });
  const wider = withBlock(loss.at, (block) => { block[place + 3] = 9; return block; });
  assert.ok(judged(wider.filter((_, i) => i !== gone)).faults.includes(at(2, 3, 'alteration')));
});

test('both refuse a directory without one of its declarations', () => {
  for (const loss of losses) {
    const { faults } = judged(good.filter((_, i) => i !== loss.at));
    assert.ok(faults.some((fault) => fault.startsWith(`${loss.epoch} #`)), `frame ${loss.at}: ${faults}`);
  }
  const { faults } = judged(good.filter((_, i) => i !== declaring('damage').at));
  assert.ok(faults.includes(at(1, 2, 'alteration')), 'what it declared is missing without excuse');
});

// Somebody who can compute hashes but has not the key: everything behind the change is chained to it again.
test('both refuse a declaration that was changed and chained anew, at the checkpoint that cannot be signed', () => {
  for (const loss of losses) {
    const list = [...good];
    let head;
    for (let i = loss.at; i < list.length && parsed(list[i].block).epoch === loss.epoch; i += 1) {
      const block = Buffer.from(list[i].block);
      if (i === loss.at) block[loss.places.get(10n) + 3] ^= 1; // of its cause
      else Buffer.from(head, 'hex').copy(block, parsed(block).places.get(7n) + 2);
      list[i] = sealed(list[i], block);
      head = sha256(block);
    }
    const checkpoint = parsed(list.slice(loss.at).find(({ block }) => parsed(block).kind === CHECKPOINT).block);
    const { faults } = judged(list);
    assert.ok(faults.includes(at(checkpoint.epoch, checkpoint.first, 'alteration')), `frame ${loss.at}: ${faults}`);
  }
});

test('both take a header that was put in the place of a declaration for what it is', () => {
  const loss = declaring('damage');
  const header = good.find(({ block }) => parsed(block).kind === HEADER && parsed(block).epoch === loss.epoch);
  const { faults } = judged(good.map((frame, i) => (i === loss.at ? { ...header, file: frame.file } : frame)));
  assert.ok(faults.includes(at(1, 2, 'alteration')), faults);
});
