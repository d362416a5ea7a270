// An independent reader of what fluxrig writes, by docs/formats and the npm decoder cbor-x: WAL segments,
// concatenated blocks, or concatenated records. `node cbor_peer.mjs FILE` prints JSON: ids and hashes as hex, times
// and other integers over 2^53 as decimal strings. Exit 1 with a message on stderr when anything is wrong.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { Decoder } from 'cbor-x';
import { crc32c } from './audit_verifier.mjs';

const decoder = new Decoder({ mapsAsObjects: false, useRecords: false, variableMapSize: true });

const BLOCK_KINDS = ['header', 'records', 'checkpoint', 'recovery', 'loss', 'seal'];
const LANES = ['spool', 'audit', 'telemetry'];
const OUTCOMES = [undefined, 'answered', 'failed', 'timed_out', 'refused', 'abandoned'];
const SPAN_KINDS = [undefined, 'internal', 'server', 'client', 'producer', 'consumer'];
const STATUSES = ['unset', 'ok', 'error'];

const hex = (bytes) => Buffer.from(bytes).toString('hex');
const plain = (value) => value;
const named = (names) => (value) => {
  if (names[value] === undefined) throw new Error(`number ${value} has no name`);
  return names[value];
};
const integer = (value) => {
  const big = BigInt(value);
  return big > BigInt(Number.MAX_SAFE_INTEGER) || big < -BigInt(Number.MAX_SAFE_INTEGER) ? big.toString() : Number(big);
};
const pairs = (items) => {
  const list = [];
  for (let i = 0; i < items.length; i += 2) {
    const value = items[i + 1];
    list.push([items[i], typeof value === 'bigint' ? integer(value) : value]);
  }
  return list;
};

// number of a key -> [name, how its value is shown]
const COMMON = { 1: ['flux_id', hex], 2: ['trace_id', hex], 3: ['span_id', hex], 5: ['gear', plain], 9: ['attributes', pairs] };
const SPAN = { ...COMMON, 4: ['parent_span_id', hex], 6: ['name', plain], 7: ['start', integer], 8: ['end', integer],
  10: ['span_kind', named(SPAN_KINDS)], 19: ['dropped_attributes', integer] };
const SUM = { 0: ['value', plain], 1: ['monotonic', plain] };
const EXEMPLAR = { 0: ['time', integer], 1: ['value', plain], 2: ['trace_id', hex], 3: ['span_id', hex], 4: ['flux_id', hex] };
const HISTOGRAM = { 0: ['scale', integer], 1: ['count', integer], 2: ['sum', plain], 3: ['min', plain], 4: ['max', plain],
  5: ['zero_count', integer], 6: ['offset', integer], 7: ['buckets', (list) => list.map(integer)],
  8: ['exemplars', (list) => list.map((item) => fields(item, EXEMPLAR))] };
const EXPLICIT = { 1: HISTOGRAM[1], 2: HISTOGRAM[2], 3: HISTOGRAM[3], 4: HISTOGRAM[4], 5: ['bounds', plain],
  7: ['counts', (list) => list.map(integer)], 8: HISTOGRAM[8] };
const LINK = { 0: ['trace_id', hex], 1: ['span_id', hex], 2: ['flux_id', hex], 3: ['relation', plain] };
const RECORDS = {
  1: ['transaction', { ...SPAN, 11: ['trace_flags', integer], 12: ['tracestate', plain], 13: ['outcome', named(OUTCOMES)],
    14: ['reason', plain], 15: ['redactions', plain], 16: ['child_spans', integer],
    17: ['links', (list) => list.map((item) => fields(item, LINK))] }],
  2: ['span', { ...SPAN, 11: ['status', named(STATUSES)], 12: ['status_message', plain] }],
  3: ['metric_point', { 5: COMMON[5], 6: ['name', plain], 7: ['start', integer], 8: ['time', integer], 9: COMMON[9],
    10: ['unit', plain], 11: ['sum', (map) => fields(map, SUM)], 12: ['gauge', plain],
    13: ['exponential_histogram', (map) => fields(map, HISTOGRAM)], 14: ['histogram', (map) => fields(map, EXPLICIT)] }],
  4: ['log', { ...COMMON, 6: ['event_name', plain], 7: ['time', integer], 10: ['severity', integer], 11: ['body', plain],
    19: ['dropped_attributes', integer] }],
  5: ['intent', { ...COMMON, 6: ['name', plain], 7: ['time', integer], 15: ['redactions', plain],
    19: ['dropped_attributes', integer] }],
};
const BLOCK = { 0: ['version', integer], 1: ['kind', named(BLOCK_KINDS)], 2: ['machine_id', hex], 3: ['lane', named(LANES)],
  4: ['epoch', integer], 5: ['first', integer], 6: ['count', integer], 7: ['previous', hex], 8: ['time', integer],
  9: ['records', (list) => list.map(record)], 10: ['body', body] };

function fields(map, schema) {
  const out = {};
  for (const [key, value] of map) {
    const entry = schema[key];
    if (entry === undefined) throw new Error(`key ${key} is not in the format page`);
    out[entry[0]] = entry[1](value);
  }
  return out;
}

// A body's keys belong to its kind; here they keep their numbers.
function body(value) {
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, item]) => [key, body(item)]));
  if (value instanceof Uint8Array) return hex(value);
  if (Array.isArray(value)) return value.map(body);
  return typeof value === 'bigint' ? integer(value) : value;
}

function record(map) {
  const kind = RECORDS[map.get(0)];
  if (kind === undefined) throw new Error(`record of unknown kind ${map.get(0)}`);
  const rest = new Map(map);
  rest.delete(0);
  return { kind: kind[0], ...fields(rest, kind[1]) };
}

function block(bytes) {
  const shown = fields(decoder.decode(bytes), BLOCK);
  if (shown.version !== 1) throw new Error(`block of version ${shown.version}`);
  if (shown.kind === 'records' && shown.records.length !== shown.count) throw new Error('count is not the number of records');
  return { ...shown, hash: createHash('sha256').update(bytes).digest('hex') };
}

// Where the item that starts at `at` ends: cbor-x decodes sequences but does not say where their items stand.
function endOfItem(bytes, at) {
  if (at >= bytes.length) throw new Error(`the item before offset ${at} is cut`);
  const major = bytes[at] >> 5;
  const info = bytes[at] & 0x1f;
  if (major === 6 || info > 27) throw new Error(`no deterministic item of ours at offset ${at}`);
  const width = info < 24 ? 0 : 1 << (info - 24);
  let end = at + 1 + width;
  if (end > bytes.length) throw new Error(`the item at offset ${at} is cut`);
  const argument = Number(BigInt(width === 0 ? info : `0x${hex(bytes.subarray(at + 1, end))}`));
  if (major === 2 || major === 3) end += argument;
  const children = major === 4 ? argument : major === 5 ? 2 * argument : 0;
  for (let i = 0; i < children; i += 1) end = endOfItem(bytes, end);
  if (end > bytes.length) throw new Error(`the item at offset ${at} is cut`);
  return end;
}

function itemsOf(bytes) {
  const items = [];
  for (let at = 0; at < bytes.length; at += items.at(-1).length) items.push(bytes.subarray(at, endOfItem(bytes, at)));
  return items;
}

function segment(bytes) {
  const blocks = [];
  let at = 0;
  // Segments are written full of zeros before they are used: a zero is where nothing has been appended yet.
  while (at < bytes.length && bytes[at] !== 0) {
    if (bytes[at] !== 0x82 || bytes[at + 1] !== 0x1a) throw new Error(`no frame at offset ${at}`);
    const end = endOfItem(bytes, at);
    const [checksum, content] = decoder.decode(bytes.subarray(at, end));
    if (crc32c(content) !== checksum) throw new Error(`the checksum at offset ${at} does not fit`);
    blocks.push({ offset: at, checksum, ...block(content) });
    at = end;
  }
  if (bytes.subarray(at).some((byte) => byte !== 0)) throw new Error(`not only zeros behind offset ${at}`);
  return blocks;
}

export function read(bytes) {
  if (bytes.length === 0 || bytes[0] === 0x82 || bytes[0] === 0) return { format: 'segment', blocks: segment(bytes) };
  const items = itemsOf(bytes);
  // Key 7 is a hash in a block and a time in a record.
  if (decoder.decode(items[0]).get(7) instanceof Uint8Array) return { format: 'blocks', blocks: items.map(block) };
  return { format: 'records', records: items.map((item) => record(decoder.decode(item))) };
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    if (process.argv.length !== 3) throw new Error('usage: node cbor_peer.mjs FILE');
    console.log(JSON.stringify(read(readFileSync(process.argv[2])), null, 2));
  } catch (error) {
    console.error(`cbor_peer: ${error.message}`);
    process.exitCode = 1;
  }
}
