// Where a number could stand: every file of racks and mixer by its kind, and what was taken off the wire. Each place is
// searched as its bytes come in, and keeps what was found, not the bytes.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';

const KINDS = [
  ['rack: audit log (WAL)', /^(edge|host)\/audit\//],
  ['rack: spool of messages', /^(edge|host)\/spool\//],
  ['rack: backlog of telemetry', /^(edge|host)\/telemetry\//],
  ['mixer: JetStream, messages', /FLUX_(MSG|DLQ|ADVISORY)[^/]*\//],
  ['mixer: JetStream, audit', /FLUX_AUDIT\//],
  ['mixer: JetStream, telemetry', /FLUX_TELEMETRY\//],
  ['mixer: Parquet files', /\.parquet/],
  ['mixer: DuckDB', /store\.duckdb/],
  ['logs', /\.log$/],
];
// Where a rack shows its metrics, and whether it lives.
export const MONITOR = "a rack's own port";
// Written by this suite: what it pushes stands there.
const OURS = /^(inputs|pki)\/|^(edge|host|mixer)\.yaml$|\.clock$|clock\.so$/;
// Kept before anybody of ours sees it: what a client with a certificate puts on the bus by hand stays there as it is.
export const OF_THE_BUS = new Set(['mixer: JetStream, messages', 'mixer: JetStream, audit', 'mixer: JetStream, telemetry', 'the bus, as its subscribers see it']);

function filesUnder(directory) {
  return readdirSync(directory).flatMap((name) => {
    const path = join(directory, name);
    let kind;
    try {
      kind = statSync(path);
    } catch {
      return [];  // gone meanwhile
    }
    return kind.isDirectory() ? filesUnder(path) : kind.isFile() ? [path] : [];
  });
}

// [place, name, read()] of every file; core dumps and temporary files are among the others.
export function files(directory) {
  return filesUnder(directory).flatMap((path) => {
    const name = relative(directory, path);
    if (OURS.test(name)) return [];
    const kind = KINDS.find(([, pattern]) => pattern.test(name));
    return [[kind ? kind[0] : 'all other files of the run', name, () => {
      try {
        return readFileSync(path);
      } catch {
        return Buffer.alloc(0);
      }
    }]];
  });
}

// One place: bytes are gathered, and searched many at once.
export class Place {
  bytes = 0;
  hits = new Map();
  codes = new Set();
  halves = new Set();
  #parts = [];

  constructor(name) {
    this.name = name;
  }

  add(bytes) {
    if (bytes.length > 0) this.#parts.push(bytes, Buffer.from('\n'));
  }

  // `search`: { search, masks, codes }. Takes its time: nothing may be waited for meanwhile.
  look({ search, masks, codes }) {
    const all = Buffer.concat(this.#parts);
    this.#parts = [];
    this.bytes += all.length;
    for (const { card, encoding } of search.in(all)) this.hits.set(`${card.number} ${encoding}`, { card, encoding });
    for (const found of masks.in(all)) this.halves.add(found);
    for (const found of codes.in(all)) this.codes.add(found);
  }
}

export const TABLES = ['transactions', 'child_spans', 'metrics', 'log_records', 'racks', 'open_intents', 'audit_alarms', 'operator_actions',
  'telemetry_stated', 'telemetry_lost', 'audit_heads'];
