// A second verifier of the audit chain, written from docs/formats alone (audit, block, wal, records): one file, no code of
// the first, no library. `node audit_verifier.mjs PATH [KEY...]` prints JSON; exit 0, 3 (faults), 1 (not readable).
import { createHash, createPublicKey, verify } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, realpathSync, statSync } from 'node:fs';
const need = (truth, what = 'not valid') => { if (!truth) throw new Error(what); };
const attempt = (work) => { try { return work(); } catch { return undefined; } };
const hex = (bytes) => bytes.toString('hex');
export const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');
const [ZEROS, U32, U64, I64] = ['00'.repeat(32), 2n ** 32n - 1n, 2n ** 64n - 1n, [-(2n ** 63n), 2n ** 63n - 1n]];

// Deterministic CBOR, item by item: integers as BigInt, byte strings as Buffer, maps as Map.
export class Reader {
  constructor(bytes, at = 0) { Object.assign(this, { bytes, at }); }
  take(size) { need(size <= this.bytes.length - this.at, 'cut short'); return this.bytes.subarray(this.at, this.at += Number(size)); }
  item(depth = 0) {
    const [major, info] = [this.bytes[this.at] >> 5, this.take(1)[0] & 31];
    const more = this.take(info < 24 ? 0 : 1 << (info - 24));
    need(depth <= 32 && info < 28 && (major < 6 || (major === 7 && (info === 27 || (info >= 20 && info <= 22)))));
    if (major === 7) return info === 27 ? more.readDoubleBE() : [false, true, null][info - 20];
    const n = more.length === 0 ? BigInt(info) : BigInt(`0x${hex(more)}`);
    need(more.length === 0 || n >= (more.length === 1 ? 24n : 1n << BigInt(more.length * 4)), 'not the shortest form');
    if (major < 2) return major === 0 ? n : -1n - n;
    if (major < 4) return major === 2 ? this.take(n) : new TextDecoder('utf-8', { fatal: true }).decode(this.take(n));
    if (major === 4) return Array.from({ length: Number(n) }, () => this.item(depth + 1));
    return new Map(Array.from({ length: Number(n) }, () => [this.item(depth + 1), this.item(depth + 1)]));
  }
}

// A whole map with ascending unsigned keys, and what must stand in it.
const ordered = (map) => need(map instanceof Map && [...map.keys()].every((key, i, keys) => int(key) > (keys[i - 1] ?? -1n))) ?? map;
function fields(bytes) {
  const reader = new Reader(bytes), map = ordered(reader.item());
  return need(reader.at === bytes.length) ?? map;
}
const int = (value, least = -U64, most = U64) => { need(typeof value === 'bigint' && value >= least && value <= most); return value; };
const span = (epoch, first, last, more) => need(more === undefined) ?? [int(epoch, 0n, U32), int(first, 1n), int(last, first - 1n, U64 - 1n)];
const octets = (value, size) => { need(Buffer.isBuffer(value) && value.length === size); return hex(value); };
const past = (epoch, end, head, more) => need(more === undefined) ?? [int(epoch, 0n, U32), int(end, 0n), octets(head, 32)];
const heading = (body) => need([0n, 1n].every((key) => !body.has(key) || typeof body.get(key) === 'string'))
  ?? { link: body.has(2n) ? past(...body.get(2n)) : [], key: body.has(3n) && octets(body.get(3n), 32) };
function block(bytes) {
  const map = fields(bytes);
  const [kind, first, count, body] = [int(map.get(1n), 0n, 5n), int(map.get(5n), 0n), int(map.get(6n), 0n, U32), map.get(10n)];
  need(bytes.length <= 1 << 20 && map.get(0n) === 1n && first + count <= U64 && (body === undefined || body instanceof Map));
  need(kind === 1n ? Array.isArray(map.get(9n)) && BigInt(map.get(9n).length) === count : !map.has(9n) && count === 0n);
  return { kind, machine: octets(map.get(2n), 16), lane: int(map.get(3n), 0n, 2n), epoch: int(map.get(4n), 0n, U32), first, count,
    previous: octets(map.get(7n), 32), time: int(map.get(8n)), body, bytes, hash: sha256(bytes) };
}

// The blocks of one machine, in order. `stored`: ranges [epoch, first, last] that may be missing.
class Chain {
  constructor(keys, stored = []) {
    Object.assign(this, { keys: [...keys], stored, faults: [], losses: [], records: 0n, epochs: 0, unsigned: 0n, signedTo: 0n, next: 1n });
  }
  fault(kind, epoch = this.epoch, sequence = this.next) { this.faults.push({ kind, epoch, sequence }); }
  hole(kind, epoch, first, last, sequence = first) { // a fault with a range, which a loss block may take away
    if (first <= last && this.stored.some(([e, from, to]) => e === epoch && from <= first && last <= to)) return;
    this.faults.push({ kind, epoch, sequence, first, last });
  }
  unreadable(epoch, first) { this.bad ??= { epoch, first: epoch === this.epoch ? this.next : first }; }
  readableFrom(next) { // the bad bytes, if any, end before this sequence
    if (this.bad) this.hole('alteration', this.bad.epoch, this.bad.first, (next > this.bad.first ? next : this.bad.first) - 1n);
    this.bad = undefined;
  }
  add(bytes) {
    const b = attempt(() => block(bytes));
    if (!b) return this.unreadable(this.epoch ?? 0n, this.next);
    if (this.epochs > 0 && (b.machine !== this.machine || b.lane !== this.lane)) return this.fault('alteration');
    if (b.epoch < this.epoch) return this.fault('alteration', b.epoch, b.first);
    const taken = b.epoch === this.epoch ? this.follows(b) : this.begin(b);
    this.hashes = [...this.hashes, b.hash].slice(-64);
    if (!taken) return undefined;
    Object.assign(this, { machine: b.machine, lane: b.lane, head: b.hash, lastFirst: b.first, next: b.first + b.count,
      records: this.records + b.count, unsigned: this.unsigned + b.count });
    const judge = { 0: this.header, 2: this.checkpoint, 4: this.loss }[b.kind];
    try { return judge?.call(this, b, ordered(b.body)); } catch { return this.fault('alteration'); }
  }
  begin(b) {
    const proper = b.kind === 0n && b.first === 1n && b.previous === ZEROS;
    const said = proper && this.epochs > 0 && attempt(() => heading(ordered(b.body))); // a header that cannot be read says nothing
    if (this.bad?.epoch === b.epoch) this.readableFrom(b.first);
    else if (!proper && this.epochs > 0) this.hole('gap', b.epoch, 1n, b.first - 1n);
    if (said) this.link(b.epoch, ...said.link);
    this.readableFrom(this.next);
    return Object.assign(this, { epoch: b.epoch, epochs: this.epochs + 1, signedTo: 0n, declared: [], hashes: [b.previous],
      statement: proper ? ZEROS : undefined, tails: this.unsigned });
  }
  link(begun, epoch, end, head) {
    if (epoch === undefined || epoch < this.epoch) return this.fault('rollback', begun, 1n);
    if (epoch > this.epoch) return end > 1n ? this.hole('gap', epoch, 1n, end - 1n) : undefined;
    if (this.bad) return this.readableFrom(end);
    if (end > this.next) return this.hole('gap', epoch, this.next, end - 1n);
    if (end < this.next || (head !== this.head && this.hashes.includes(head))) return this.fault('rollback', epoch, end);
    return head === this.head ? undefined : this.fault('alteration', epoch, this.lastFirst);
  }
  follows(b) { // false: the block is passed over
    const linked = !this.bad && b.previous === this.head;
    const known = (hash) => !this.bad && this.hashes.includes(hash);
    if (!linked && (known(b.hash) || known(b.previous) || (!this.bad && b.first < this.next))) {
      this.fault(known(b.hash) ? 'alteration' : 'fork', this.epoch, b.first);
      return false;
    }
    if (!linked) this.statement = undefined;
    if (b.first < this.next) this.fault('fork', this.epoch, b.first);
    if (this.bad) this.readableFrom(b.first);
    else if (b.first > this.next) this.hole('gap', this.epoch, this.next, b.first - 1n);
    else if (!linked) this.hole('alteration', this.epoch, this.next, this.next - 1n, this.lastFirst);
    return linked || b.first >= this.next;
  }
  header({ body }) {
    const { key } = heading(body);
    if (this.keys.length === 0 && key) this.keys.push(key);
    if (this.keys.length > 0 && !this.keys.includes(key)) this.fault('key changed');
  }
  checkpoint({ body, machine, lane, epoch, first, previous }) {
    const [bytes, signature] = [body.get(0n), body.get(1n)];
    const said = fields(bytes);
    need(bytes.length <= 4096 && signature.length === 64 && said.get(0n) === 1n && octets(said.get(1n), 16) === machine);
    need(said.get(2n) === lane && said.get(3n) === epoch && said.get(4n) === first && octets(said.get(5n), 32) === previous);
    need(typeof said.get(6n) === 'bigint' && said.get(8n) instanceof Map && said.has(9n) && said.has(10n));
    const [statement, keyId] = [octets(said.get(7n), 32), octets(said.get(11n), 16)];
    const spki = (key) => ({ key: Buffer.from(`302a300506032b6570032100${key}`, 'hex'), format: 'der', type: 'spki' });
    const signed = (key) => sha256(Buffer.from(key, 'hex')).startsWith(keyId)
      && verify(null, Buffer.concat([Buffer.from('fluxrig-checkpoint-v1\0'), bytes]), createPublicKey(spki(key)), signature);
    if (!this.keys.some(signed)) return this.fault('bad signature');
    if (this.statement && this.statement !== statement) this.fault('alteration');
    Object.assign(this, { statement: sha256(bytes), unsigned: this.tails, signedTo: this.next - 1n });
    return this.declared.splice(0).forEach((range) => this.excuse(...range));
  }
  loss({ body, epoch, first }) { // what closes an open declaration takes its place
    const [cause, from, said] = [body.get(0n), int(body.get(2n), ...I64), { count: body.get(1n), to: body.get(3n), range: body.get(4n) }];
    need(typeof cause === 'string' && cause !== '' && Buffer.byteLength(cause) <= 64);
    for (const [key, ...bounds] of [[1n, 0n], [3n, ...I64]]) if (body.has(key)) int(body.get(key), ...bounds);
    if (body.has(4n)) this.declared.push(span(...said.range));
    const open = this.losses.find((one) => one.epoch === epoch && one.cause === cause && one.from === from && one.to === undefined);
    if (open) Object.assign(open, said);
    else this.losses.push({ epoch, sequence: first, cause, from, ...said });
  }
  excuse(epoch, first, last) {
    this.faults = this.faults.filter((hole) => hole.epoch !== epoch || !(first <= hole.first && hole.last <= last));
    for (const hole of this.faults.filter((one) => one.epoch === epoch))
      if (first <= hole.first && hole.first <= last) hole.first = hole.sequence = last + 1n;
      else if (first <= hole.last && hole.last <= last) hole.last = first - 1n;
  }
  finish() {
    this.readableFrom(this.next);
    const faults = this.faults.map(({ kind, epoch, sequence }) => ({ kind, epoch, sequence }));
    return { records: this.records, epochs: this.epochs, signed_to: this.signedTo, unsigned_tail: this.unsigned, losses: this.losses,
      faults: faults.sort((a, b) => Number(a.epoch - b.epoch || a.sequence - b.sequence)) };
  }
}
export function crc32c(bytes) { // bit by bit: slow, and too simple to share a mistake with the first verifier
  let crc = 0xffffffff;
  for (let bit = 0; bit < bytes.length * 8; bit += 1) crc = (crc >>> 1) ^ ((crc ^ (bytes[bit >> 3] >> (bit & 7))) & 1 ? 0x82f63b78 : 0);
  return ~crc >>> 0;
}
function segment(bytes) { // its blocks; undefined: bytes that are no frame
  const found = [];
  for (let at = 0, end = bytes.findLastIndex((byte) => byte !== 0) + 1; at < end;) {
    const reader = new Reader(bytes, at + 6);
    const content = bytes[at] === 0x82 && bytes[at + 1] === 0x1a ? attempt(() => reader.item()) : undefined;
    const b = content && bytes.readUInt32BE(at + 2) === crc32c(content) ? attempt(() => block(content)) : undefined;
    if (b || at === 0 || found.at(-1)) found.push(b);
    at = b ? reader.at : at + 1;
  }
  return found;
}
function directory(path, keys) {
  const stored = existsSync(`${path}/receipts`) ? fields(new Reader(readFileSync(`${path}/receipts`), 6).item()).get(1n) : [];
  const chain = new Chain(keys, stored.flatMap((_, i) => (i % 3 ? [] : [stored.slice(i, i + 3)])));
  const names = readdirSync(path).sort().map((name) => /^(\d{20})-([1-9]\d*)\.wal$/.exec(name)).filter(Boolean);
  names.sort((a, b) => a[2] - b[2]).forEach(([name, first, epoch], i) => {
    const blocks = segment(readFileSync(`${path}/${name}`));
    if (i + 1 === names.length && !blocks.at(-1) && blocks.at(-2)?.kind !== 5n) blocks.pop(); // a torn tail
    for (const b of blocks) b?.epoch === BigInt(epoch) ? chain.add(b.bytes) : chain.unreadable(BigInt(epoch), BigInt(first));
  });
  return [chain.finish()];
}
function bundle(bytes, keys) {
  const reader = new Reader(bytes), head = reader.item();
  need(head.get(0n) === 'fluxrig-audit-bundle' && head.get(1n) === 1n, 'no bundle');
  const chains = new Map(head.get(3n).map(([machine, , own]) => [hex(machine), new Chain(keys.length > 0 ? keys : own.map(hex))]));
  let [blocks, machine, end, value] = [0n, undefined, reader.at, reader.item()];
  for (; Buffer.isBuffer(value); [blocks, end, value] = [blocks + 1n, reader.at, reader.item()]) {
    machine = attempt(() => block(value).machine) ?? machine; // not readable: of the machine before
    need(chains.has(machine), 'a machine that is not listed');
    chains.get(machine).add(value);
  }
  need(value.get(0n) === 'fluxrig-audit-end' && value.get(1n) === blocks && reader.at === bytes.length, 'cut short');
  need(hex(value.get(2n)) === sha256(bytes.subarray(0, end)), 'not the bytes that were written');
  return [...chains.values()].map((chain) => chain.finish());
}
export const verifyPath = (path, keys = []) => (!statSync(path).isDirectory() ? bundle(readFileSync(path), keys)
  : directory(existsSync(`${path}/audit`) ? `${path}/audit` : path, keys));
if (import.meta.url === `file://${realpathSync(process.argv[1])}`) {
  const machines = verifyPath(process.argv[2], process.argv.slice(3));
  console.log(JSON.stringify(machines, (_, value) => (typeof value === 'bigint' ? Number(value) : value)));
  process.exitCode = machines.some((one) => one.faults.length > 0) ? 3 : 0;
}
