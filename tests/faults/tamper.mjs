// Ways to harm a rack's directory, and what a reader of it says afterwards.
import { readFileSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const FRAME = 0x82;

// Segments of an audit directory in chain order, with where their frames end.
export function segments(directory) {
  return readdirSync(directory).filter((name) => name.endsWith('.wal'))
    .map((name) => ({ name, path: join(directory, name), sequence: BigInt(name.slice(0, 20)), epoch: Number(name.slice(21, -4)) }))
    .sort((a, b) => a.epoch - b.epoch || (a.sequence < b.sequence ? -1 : 1))
    .map((segment) => ({ ...segment, frames: framesOf(readFileSync(segment.path)) }));
}

// [offset, end] of each frame: 82, 1a and four bytes of checksum, the head of a byte string, the block.
function framesOf(bytes) {
  const frames = [];
  for (let at = 0; at < bytes.length && bytes[at] === FRAME;) {
    const head = bytes[at + 6];
    const small = head & 0x1f;
    const [size, length] = head >> 5 !== 2 ? [0, 0] : small < 24 ? [7, small] : small === 24 ? [8, bytes[at + 7]]
      : small === 25 ? [9, bytes.readUInt16BE(at + 7)] : [11, bytes.readUInt32BE(at + 7)];
    if (length === 0) break;
    frames.push([at, at + size + length]);
    at += size + length;
  }
  return frames;
}

// Turns one bit of a file over, between two offsets.
export function flip(path, chance, from = 0, to = statSync(path).size) {
  if (to <= from) throw new Error(`${path} has no bytes to flip`);
  const bytes = readFileSync(path);
  const at = chance.between(from, to - 1);
  const bit = chance.between(0, 7);
  bytes[at] ^= 1 << bit;
  writeFileSync(path, bytes);
  return `bit ${bit} of byte ${at} of ${path.split('/').slice(-2).join('/')}`;
}

// A bit of one frame.
export function flipFrame(segment, chance, index) {
  const [from, to] = segment.frames[index];
  return flip(segment.path, chance, from, to);
}

export function removeSegment(segment) {
  rmSync(segment.path);
  return `${segment.name} deleted`;
}

// Cuts a segment behind some of its frames, and fills it with zeros again: as if the rest had never been written.
export function cutSegment(segment, chance) {
  const keep = chance.between(1, segment.frames.length - 1);
  const size = statSync(segment.path).size;
  truncateSync(segment.path, segment.frames[keep - 1][1]);
  truncateSync(segment.path, size);
  return `${segment.name} cut behind ${keep} of ${segment.frames.length} blocks`;
}

// Takes one block out and moves up what follows.
export function dropFrame(segment, chance) {
  const [from, to] = segment.frames[chance.between(1, segment.frames.length - 2)];
  const bytes = readFileSync(segment.path);
  writeFileSync(segment.path, Buffer.concat([bytes.subarray(0, from), bytes.subarray(to), Buffer.alloc(to - from)]));
  return `a block of ${to - from} bytes taken out of ${segment.name}`;
}

// flux_ids of the transactions that a reader still finds.
export function recordsOn(stack, directory) {
  const run = stack.run(['wal', 'cat', directory]);
  if (run.code !== 0 && run.code !== 3) throw new Error(`fluxrig wal cat ${directory}: exit ${run.code}: ${run.err}`);
  return new Set([...run.out.matchAll(/"flux_id":\s*"([0-9a-f-]{36})"/g)].map((match) => match[1]));
}

// What `fluxrig audit verify` says of a directory: { good, told }. `told` is empty when it has nothing to say against it.
export function verdictOn(stack, directory) {
  const run = stack.run(['audit', 'verify', '--json', directory]);
  if (run.code === 1) return { good: false, told: run.err.trim() };
  if (run.code !== 0 && run.code !== 3) throw new Error(`fluxrig audit verify ${directory}: exit ${run.code}: ${run.err}${run.out}`);
  const verdict = JSON.parse(run.out);
  const machine = verdict.machines[0];
  const told = machine?.faults[0]?.what ?? (verdict.torn_bytes ? `unfinished: ${verdict.torn_bytes} bytes` : '');
  if (verdict.good !== (run.code === 0)) throw new Error(`audit verify exits ${run.code} and says good: ${verdict.good}`);
  return { good: verdict.good, told, records: machine?.records ?? 0 };
}
