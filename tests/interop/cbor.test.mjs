// What the C++ codec wrote (its golden files), read by an independent decoder: every field of every record.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { read } from './cbor_peer.mjs';
import { crc32c } from './audit_verifier.mjs';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const expected = JSON.parse(readFileSync(here('golden/records.json'), 'utf8'));
const blocksFile = readFileSync(here('golden/blocks.cbor'));
const previous = Array.from({ length: 32 }, (_, i) => i.toString(16).padStart(2, '0')).join('');

// The header block ends where its body does: a10001.
const headerEnd = blocksFile.indexOf(Buffer.from('0aa10001', 'hex')) + 4;
const goldenBlocks = [blocksFile.subarray(0, headerEnd), blocksFile.subarray(headerEnd)];

function frame(block) {
  const head = Buffer.alloc(9);
  head.set([0x82, 0x1a]);
  head.writeUInt32BE(crc32c(block), 2);
  head[6] = 0x59;
  head.writeUInt16BE(block.length, 7);
  return Buffer.concat([block.length > 255 ? head : Buffer.concat([head.subarray(0, 6), Buffer.from([0x58, block.length])]), block]);
}

test('crc32c gives the check value of the catalogue and the vectors of RFC 3720', () => {
  assert.equal(crc32c(Buffer.from('123456789')), 0xe3069283);
  assert.equal(crc32c(Buffer.alloc(32)), 0x8a9136aa);
  assert.equal(crc32c(Buffer.alloc(32, 0xff)), 0x62a8ab43);
});

test('every field of every golden record is what the page says', () => {
  const file = read(readFileSync(here('golden/records.cbor')));
  assert.equal(file.format, 'records');
  assert.deepEqual(file.records, expected);
});

test('golden blocks carry their heads, bodies and records', () => {
  const file = read(blocksFile);
  assert.equal(file.format, 'blocks');
  assert.equal(file.blocks.length, 2);
  const [header, records] = file.blocks;
  const head = { version: 1, machine_id: '8c6f2a5e1d3b4c7f9a0e1f2d3c4b5a69', lane: 'audit', epoch: 2, first: 120331,
    previous, time: '1795356187412000000' };
  assert.deepEqual({ ...header, hash: undefined }, { ...head, kind: 'header', count: 0, body: { 0: 1 }, hash: undefined });
  assert.deepEqual({ ...records, hash: undefined }, { ...head, kind: 'records', count: expected.length, records: expected, hash: undefined });
});

test('a segment is read frame by frame up to the zeros behind it', () => {
  const file = read(Buffer.concat([...goldenBlocks.map(frame), Buffer.alloc(4096)]));
  assert.equal(file.format, 'segment');
  assert.deepEqual(file.blocks.map((block) => block.kind), ['header', 'records']);
  assert.deepEqual(file.blocks[1].records, expected);
  assert.deepEqual(read(Buffer.alloc(64)).blocks, []);
});

test('a segment with a flipped bit, a cut frame or bytes behind the zeros is refused', () => {
  const good = Buffer.concat(goldenBlocks.map(frame));
  const flipped = Buffer.from(good);
  flipped[flipped.length - 1] ^= 1;
  assert.throws(() => read(flipped), /checksum/);
  assert.throws(() => read(good.subarray(0, good.length - 1)), /cut/);
  assert.throws(() => read(Buffer.concat([good, Buffer.from([0, 0, 1])])), /not only zeros/);
});

test('the command prints JSON and fails with a sentence', () => {
  const shown = JSON.parse(execFileSync(process.execPath, [here('cbor_peer.mjs'), here('golden/records.cbor')], { encoding: 'utf8' }));
  assert.deepEqual(shown.records, expected);
  const directory = mkdtempSync(join(tmpdir(), 'fluxrig-cbor-'));
  try {
    writeFileSync(join(directory, 'bad'), Buffer.from('821a00000000', 'hex'));
    const failed = spawnSync(process.execPath, [here('cbor_peer.mjs'), join(directory, 'bad')], { encoding: 'utf8' });
    assert.equal(failed.status, 1);
    assert.match(failed.stderr, /^cbor_peer: .*cut/);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
