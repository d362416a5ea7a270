// A second verifier of the audit chain, written from docs/formats/audit.md and block.md alone: it shares no code and no
// decoder with the first. audit_sources.mjs feeds it with a directory or a bundle.
import { createHash, createPublicKey, verify } from 'node:crypto';
import { buffer, hex, map, need, unsigned } from './cbor_minimal.mjs';

export const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');
const ZEROS = '00'.repeat(32);

export function block(bytes) {
  need(bytes.length <= 1 << 20);
  const get = map(bytes);
  need(get(0) === 1n);
  const head = { kind: Number(unsigned(get(1), 5n)), machine: hex(buffer(get(2), 16)), lane: unsigned(get(3), 2n),
    epoch: unsigned(get(4), 2n ** 32n - 1n), first: unsigned(get(5)), count: unsigned(get(6), 2n ** 32n - 1n),
    previous: hex(buffer(get(7), 32)), hash: sha256(bytes) };
  need(typeof get(8) === 'bigint' && head.first + head.count < 2n ** 64n);
  need(head.kind === 1 ? Array.isArray(get(9)) && BigInt(get(9).length) === head.count : get(9) === undefined && head.count === 0n);
  // A body may be anything here; whoever needs it reads its map.
  const body = get(10);
  need(body === undefined || body instanceof Map);
  return { ...head, body: (key) => body?.get(BigInt(key)) };
}

export class Verifier {
  constructor(keys = [], forgiven = []) {
    Object.assign(this, { keys: [...keys], forgiven, faults: [], holes: [], losses: 0, records: 0n, epochs: 0, unsigned: 0n, tail: 0n,
      signedTo: 0n, epoch: null, next: 0n, head: '', hashes: [], statement: null, unreadable: null, declared: [] });
  }
  fault(kind, epoch, sequence) { this.faults.push({ kind, epoch, sequence }); }
  hole(kind, epoch, first, last, sequence = first) {
    if (first <= last && this.forgiven.some(([e, a, b]) => e === epoch && a <= first && last <= b)) return;
    this.holes.push({ kind, epoch, first, last, sequence });
  }
  remember(hash) { this.hashes.push(hash); if (this.hashes.length > 64) this.hashes.shift(); }
  noFrame(epoch, expected) {
    this.unreadable ??= { epoch, first: epoch === this.epoch ? this.next : expected > 1n ? expected : 1n };
  }
  closeUnreadable(next) {
    if (!this.unreadable) return;
    const { epoch, first } = this.unreadable;
    this.hole('alteration', epoch, first, (next > first ? next : first) - 1n);
    this.unreadable = null;
  }
  add(bytes) {
    let b;
    try { b = block(bytes); } catch { return this.noFrame(this.epoch ?? 0n, this.next); }
    if (this.epoch !== null && (b.machine !== this.machine || b.lane !== this.lane)) return this.fault('alteration', this.epoch, this.next);
    if (this.epoch !== null && b.epoch < this.epoch) return this.fault('alteration', b.epoch, b.first);
    if (this.epoch === null || b.epoch > this.epoch) this.begin(b);
    else if (!this.follows(b)) return undefined;
    this.records += b.count;
    this.tail += b.count;
    Object.assign(this, { machine: b.machine, lane: b.lane, lastFirst: b.first, next: b.first + b.count, head: b.hash });
    this.remember(b.hash);
    if (b.kind === 0) this.header(b);
    if (b.kind === 2) this.checkpoint(b);
    if (b.kind === 4) this.loss(b);
    return undefined;
  }
  begin(b) {
    const first = this.epoch === null;
    if (this.unreadable?.epoch === b.epoch) this.closeUnreadable(b.first);
    const proper = b.kind === 0 && b.first === 1n && b.previous === ZEROS;
    if (proper && !first) this.link(b);
    this.closeUnreadable(this.next);
    if (!proper && !first && !this.holes.some((h) => h.epoch === b.epoch && h.last + 1n === b.first)) {
      if (b.first > 1n) this.hole('gap', b.epoch, 1n, b.first - 1n); else this.fault('gap', b.epoch, 1n);
    }
    this.unsigned += this.tail;
    Object.assign(this, { tail: 0n, declared: [], statement: proper ? ZEROS : null, hashes: [b.previous], epoch: b.epoch, signedTo: 0n });
    this.epochs += 1;
  }
  link(b) {
    const link = b.body(2);
    if (!link || link[0] < this.epoch) return this.fault('rollback', b.epoch, 1n);
    const [epoch, end, hash] = [link[0], link[1], hex(link[2])];
    if (epoch > this.epoch) return end > 1n ? this.hole('gap', epoch, 1n, end - 1n) : undefined;
    if (this.unreadable) return this.closeUnreadable(end);
    if (end > this.next) return this.hole('gap', epoch, this.next, end - 1n);
    if (end < this.next || (hash !== this.head && this.hashes.includes(hash))) return this.fault('rollback', epoch, end);
    return hash === this.head ? undefined : this.fault('alteration', epoch, this.lastFirst);
  }
  follows(b) {
    if (this.unreadable) {
      this.statement = null;
      this.closeUnreadable(b.first);
      if (b.first < this.next) this.fault('fork', this.epoch, b.first);
      return b.first >= this.next;
    }
    if (b.previous === this.head) {
      if (b.first > this.next) this.hole('gap', this.epoch, this.next, b.first - 1n);
      if (b.first < this.next) this.fault('fork', this.epoch, b.first);
      return true;
    }
    if (this.hashes.includes(b.hash)) { this.fault('alteration', this.epoch, b.first); return false; }
    if (this.hashes.includes(b.previous) || b.first < this.next) {
      this.remember(b.hash);
      this.fault('fork', this.epoch, b.first);
      return false;
    }
    this.statement = null;
    if (b.first > this.next) this.hole('gap', this.epoch, this.next, b.first - 1n);
    else this.hole('alteration', this.epoch, this.next, this.next - 1n, this.lastFirst);
    return true;
  }
  header(b) {
    const key = b.body(3) && hex(b.body(3));
    if (this.keys.length === 0) { if (key) this.keys.push(key); } else if (!this.keys.includes(key)) this.fault('key changed', this.epoch, this.next);
  }
  checkpoint(b) {
    let get;
    let bytes;
    try {
      bytes = buffer(b.body(0));
      get = map(bytes);
      need(get(0) === 1n && bytes.length <= 4096 && get(8) instanceof Map && get(9) !== undefined && get(10) !== undefined);
      need(hex(get(1)) === b.machine && get(2) === b.lane && get(3) === b.epoch && get(4) === b.first && hex(get(5)) === b.previous);
      need(typeof get(6) === 'bigint' && buffer(get(7), 32) && buffer(get(11), 16) && buffer(b.body(1), 64));
    } catch { return this.fault('alteration', this.epoch, this.next); }
    const message = Buffer.concat([Buffer.from('fluxrig-checkpoint-v1\0'), bytes]);
    const good = this.keys.some((key) => sha256(Buffer.from(key, 'hex')).startsWith(hex(get(11))) && verify(null, message,
      createPublicKey({ key: Buffer.from(`302a300506032b6570032100${key}`, 'hex'), format: 'der', type: 'spki' }), b.body(1)));
    if (!good) return this.fault('bad signature', this.epoch, this.next);
    if (this.statement !== null && hex(get(7)) !== this.statement) this.fault('alteration', this.epoch, this.next);
    Object.assign(this, { statement: sha256(bytes), tail: 0n, signedTo: this.next - 1n });
    for (const [epoch, first, last] of this.declared) this.excuse(epoch, first, last);
    this.declared = [];
    return undefined;
  }
  loss(b) {
    if (typeof b.body(0) !== 'string' || typeof b.body(2) !== 'bigint') return this.fault('alteration', this.epoch, this.next);
    this.losses += 1;
    if (b.body(4)) this.declared.push(b.body(4));
    return undefined;
  }
  excuse(epoch, first, last) {
    this.holes = this.holes.filter((h) => h.epoch !== epoch || first > h.first || last < h.last);
    for (const h of this.holes.filter((one) => one.epoch === epoch)) {
      if (first <= h.first && last >= h.first) h.first = h.sequence = last + 1n;
      else if (first > h.first && first <= h.last && last >= h.last) h.last = first - 1n;
    }
  }
  finish() {
    this.closeUnreadable(this.next);
    const order = (a, b) => Number(a.epoch - b.epoch) || (a.sequence < b.sequence ? -1 : Number(a.sequence > b.sequence));
    const faults = [...this.faults, ...this.holes.map(({ kind, epoch, sequence }) => ({ kind, epoch, sequence }))].sort(order);
    return { records: this.records, epochs: this.epochs, signed_to: this.signedTo, unsigned_tail: this.unsigned + this.tail, faults };
  }
}
