// Where a number could stand: every file of racks and mixer by its kind, and what was taken off the wire.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';

const KINDS = [
  ['rack: audit log (WAL)', /^(edge|host)\/audit\//],
  ['rack: spool of messages', /^(edge|host)\/spool\//],
  ['rack: backlog of telemetry', /^(edge|host)\/telemetry\//],
  ['mixer: JetStream, messages', /FLUX_(MSG|DEAD)[^/]*\//],
  ['mixer: JetStream, audit', /FLUX_AUDIT\//],
  ['mixer: JetStream, telemetry', /FLUX_TELEMETRY\//],
  ['mixer: Parquet files', /\.parquet/],
  ['mixer: DuckDB', /store\.duckdb/],
  ['logs', /\.log$/],
];
// Written by this suite: what it pushes stands there.
const OURS = /^(inputs|pki)\/|^(edge|host|mixer)\.yaml$|\.clock$|clock\.so$/;

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

// [place, bytes] of every file; core dumps and temporary files are among the others.
export function files(directory) {
  return filesUnder(directory).flatMap((path) => {
    const name = relative(directory, path);
    if (OURS.test(name)) return [];
    const kind = KINDS.find(([, pattern]) => pattern.test(name));
    try {
      return [[kind ? kind[0] : 'other files', readFileSync(path), name]];
    } catch {
      return [];
    }
  });
}

export const TABLES = ['transactions', 'child_spans', 'metrics', 'log_records', 'racks', 'open_intents', 'audit_alarms', 'operator_actions',
  'telemetry_stated', 'telemetry_lost', 'audit_heads'];
