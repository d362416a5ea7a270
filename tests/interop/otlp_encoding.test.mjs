// OTLP bodies that the C++ encoder wrote (its golden files), read with OpenTelemetry's own generated types: protobuf and
// JSON say the same, all of it is known to those types, and it is what docs/formats/otlp.md makes of the golden records. The
// odd ones hold what is at the edge of its type: numbers that JSON has not, broken texts, long ones.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import http2 from 'node:http2';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { grpcServer } from '../e2e/grpc_back_end.mjs';

const require = createRequire(import.meta.url);
const { opentelemetry } = require('@opentelemetry/otlp-transformer/build/src/generated/root');
const { collector } = opentelemetry.proto;
const golden = (name) => readFileSync(fileURLToPath(new URL(`golden/${name}`, import.meta.url)));
const records = JSON.parse(golden('records.json'));
const of = (kind) => records.filter((record) => record.kind === kind);

const requests = {
  spans: collector.trace.v1.ExportTraceServiceRequest,
  metrics: collector.metrics.v1.ExportMetricsServiceRequest,
  logs: collector.logs.v1.ExportLogsServiceRequest,
};
const read = (prefix) => Object.fromEntries(Object.entries(requests).map(([signal, type]) => {
  const bytes = golden(`otlp/${prefix}${signal}.pb`);
  return [signal, { type, bytes, message: type.decode(bytes), json: JSON.parse(golden(`otlp/${prefix}${signal}.json`)) }];
}));
const bodies = read('');

// As OTLP/JSON has it: ids in hex, 64-bit integers as strings, enumerations as numbers.
function plain(value) {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  if (value === null || typeof value !== 'object') return value;
  if (typeof value.toUnsigned === 'function') return value.toString();
  return Object.fromEntries(Object.entries(value).filter(([, field]) => !Array.isArray(field) || field.length > 0)
    .map(([name, field]) => [name, plain(field)]));
}

const uuid = (hex) => hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
const unlessEmpty = (name, value) => (value ? { [name]: value } : {});
const integers = new Set(['http.response.status_code', 'offset', 'epoch', 'fluxrig.child_spans', 'fluxrig.sequence', 'fluxrig.epoch']);

function value(key, held) {
  if (Array.isArray(held)) return { arrayValue: { values: held.map((text) => ({ stringValue: text })) } };
  if (typeof held === 'boolean') return { boolValue: held };
  if (typeof held === 'string') return { stringValue: held };
  return integers.has(key) ? { intValue: String(held) } : { doubleValue: held };
}
const pairs = (list) => list.filter(([, held]) => held !== undefined).map(([key, held]) => ({ key, value: value(key, held) }));

const kinds = { internal: 1, server: 2, client: 3, producer: 4, consumer: 5 };
const family = (record) => of('transaction').find((root) => [record.span_id, record.parent_span_id].includes(root.span_id));

function spanOf(record) {
  const isRoot = record.kind === 'transaction';
  const failed = isRoot ? record.outcome !== 'answered' : record.status === 'error';
  const parent = isRoot ? record : family(record);
  const flags = isRoot && record.parent_span_id ? 0x300 : 0x100;
  return {
    traceId: record.trace_id,
    spanId: record.span_id,
    // Root spans, and child spans of a transaction without a sampling threshold, stand for themselves.
    ...unlessEmpty('traceState', isRoot || parent.child_spans ? ['ot=th:0', parent.tracestate].filter(Boolean).join() : ''),
    ...unlessEmpty('parentSpanId', record.parent_span_id),
    ...unlessEmpty('name', record.name),
    kind: kinds[record.span_kind],
    startTimeUnixNano: record.start,
    endTimeUnixNano: record.end,
    attributes: pairs([
      ['fluxrig.flux_id', uuid(record.flux_id)], ['fluxrig.gear', record.gear],
      ...(isRoot ? [['fluxrig.outcome', record.outcome], ['fluxrig.child_spans', record.child_spans ?? 0]] : []),
      ['error.type', failed ? (isRoot ? record.outcome : '_OTHER') : undefined],
      ...(record.attributes ?? []),
    ]),
    ...unlessEmpty('droppedAttributesCount', record.dropped_attributes),
    ...(record.links ? { links: record.links.map((link) => ({ traceId: link.trace_id, spanId: link.span_id,
      attributes: pairs([['fluxrig.link', link.relation], ['fluxrig.flux_id', uuid(link.flux_id)]]), flags: 0x100 })) } : {}),
    ...(failed ? { status: { message: isRoot ? record.reason : record.status_message, code: 2 } } : {}),
    flags: flags | (parent.trace_flags ?? 0),
  };
}

function pointOf(record) {
  const attributes = pairs([['fluxrig.gear', record.gear], ...(record.attributes ?? [])]);
  const times = { startTimeUnixNano: record.start, timeUnixNano: record.time };
  const exemplars = (list) => list.map((one) => ({
    timeUnixNano: one.time, asDouble: one.value, ...unlessEmpty('spanId', one.span_id), ...unlessEmpty('traceId', one.trace_id),
    ...(one.flux_id ? { filteredAttributes: pairs([['fluxrig.flux_id', uuid(one.flux_id)]]) } : {}),
  }));
  if (record.histogram) {
    const { count, sum, counts, bounds, min, max } = record.histogram;
    return { ...times, count: String(count), sum, bucketCounts: counts.map(String), explicitBounds: bounds,
      exemplars: exemplars(record.histogram.exemplars), attributes, min, max };
  }
  const histogram = record.exponential_histogram;
  if (!histogram) return { ...times, asDouble: record.sum?.value ?? record.gauge, attributes };
  return {
    attributes, ...times,
    count: String(histogram.count), sum: histogram.sum, scale: histogram.scale, zeroCount: String(histogram.zero_count),
    positive: { offset: histogram.offset, bucketCounts: histogram.buckets.map(String) },
    exemplars: exemplars(histogram.exemplars),
    min: histogram.min, max: histogram.max,
  };
}

function logOf(record) {
  const isAudit = record.kind === 'transaction';
  const failed = isAudit && record.outcome !== 'answered';
  const severity = isAudit ? (failed ? 17 : 9) : record.severity;
  const body = isAudit ? [`${record.name ?? ''} ${record.outcome}`, record.reason].filter(Boolean).join(': ') : record.body;
  return {
    timeUnixNano: isAudit ? record.end : record.time,
    observedTimeUnixNano: '1795356207412000000',
    severityNumber: severity,
    severityText: { 9: 'INFO', 13: 'WARN', 17: 'ERROR' }[severity],
    ...(body ? { body: { stringValue: body } } : {}),
    attributes: pairs([
      ['fluxrig.flux_id', record.flux_id && uuid(record.flux_id)], ['fluxrig.gear', record.gear],
      ['fluxrig.outcome', record.outcome], ['fluxrig.reason', record.reason], ['fluxrig.redactions', record.redactions],
      ['fluxrig.lane', 'audit'], ['fluxrig.sequence', 120331 + records.indexOf(record)],
      ...(record.attributes ?? []),
    ]),
    ...unlessEmpty('droppedAttributesCount', record.dropped_attributes),
    ...unlessEmpty('flags', isAudit ? record.trace_flags : record.span_id && family(record).trace_flags),
    ...unlessEmpty('traceId', record.trace_id),
    ...unlessEmpty('spanId', record.span_id),
    ...unlessEmpty('eventName', isAudit ? 'fluxrig.transaction' : record.event_name),
  };
}

for (const [prefix, all] of [['', bodies], ['odd ', read('odd_')]])
  for (const [signal, { type, bytes, message, json }] of Object.entries(all)) {
    test(`${prefix}${signal}: protobuf and JSON say the same`, () => {
      assert.deepEqual(plain(message), json);
    });

    test(`${prefix}${signal}: the generated types know every field that is sent`, () => {
      // Unknown fields are skipped when read: written again, the body would be shorter.
      assert.equal(type.encode(message).finish().length, bytes.length);
    });
  }

// The message as it goes over HTTP/2, handed to a gRPC server of another implementation.
async function throughGrpc(port, path, bytes) {
  const session = http2.connect(`http://127.0.0.1:${port}`);
  const stream = session.request({ ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' });
  const status = new Promise((resolve, reject) => {
    stream.on('trailers', (trailers) => resolve(trailers['grpc-status']));
    stream.on('response', (head) => head['grpc-status'] && resolve(head['grpc-status']));
    stream.on('error', reject);
  });
  stream.resume();
  stream.end(bytes);
  await status.finally(() => session.destroy());
  return status;
}

const services = { spans: 'trace.v1.TraceService', metrics: 'metrics.v1.MetricsService', logs: 'logs.v1.LogsService' };
for (const [signal, { type, json }] of Object.entries(bodies))
  test(`${signal}: a gRPC server reads from its message what JSON says`, async () => {
    const received = [];
    const server = await grpcServer((name, message) => void received.push(message));
    try {
      const path = `/opentelemetry.proto.collector.${services[signal]}/Export`;
      assert.equal(await throughGrpc(server.port, path, golden(`otlp/${signal}.grpc`)), '0');
    } finally {
      server.stop();
    }
    assert.equal(received.length, 1);
    assert.deepEqual(plain(type.decode(received[0])), json);
  });

for (const [signal, { json }] of Object.entries(bodies)) {
  test(`${signal}: resource and scope are named, with their schema`, () => {
    const [resources, ...others] = Object.values(json)[0];
    assert.deepEqual(others, []);
    assert.deepEqual(Object.fromEntries(resources.resource.attributes.map(({ key, value: held }) => [key, Object.values(held)[0]])), {
      'service.name': 'edge',
      'service.version': '0.1.0',
      'service.instance.id': '31b420dd-3c53-53c1-98e9-5bb08b90e828',
      'telemetry.sdk.name': 'fluxrig',
      'telemetry.sdk.language': 'cpp',
      'telemetry.sdk.version': '0.1.0',
      'fluxrig.rack': 'edge',
      'fluxrig.machine_id': '8c6f2a5e-1d3b-4c7f-9a0e-1f2d3c4b5a69',
      'fluxrig.epoch': '2',
      'host.name': 'shop-17',
    });
    assert.match(resources.schemaUrl, /^https:\/\/opentelemetry\.io\/schemas\/1\.\d+\.0$/);
    const [scope] = resources.scopeSpans ?? resources.scopeMetrics ?? resources.scopeLogs;
    assert.deepEqual(scope.scope, { name: 'fluxrig', version: '0.1.0' });
    assert.equal(scope.schemaUrl, resources.schemaUrl);
  });
}

test('spans are what the page makes of the golden records', () => {
  const { spans } = bodies.spans.json.resourceSpans[0].scopeSpans[0];
  assert.deepEqual(spans, records.filter(({ kind }) => kind === 'transaction' || kind === 'span').map(spanOf));
});

test('log records are what the page makes of the golden records', () => {
  const { logRecords } = bodies.logs.json.resourceLogs[0].scopeLogs[0];
  assert.deepEqual(logRecords, records.filter(({ kind }) => kind === 'transaction' || kind === 'log').map(logOf));
});

test('metrics are what the page makes of the golden records', () => {
  const { metrics } = bodies.metrics.json.resourceMetrics[0].scopeMetrics[0];
  const points = of('metric_point');
  const expected = (field, point, more) => ({ name: 'fluxrig.gear.messages', unit: '{message}', [field]: { ...more, dataPoints: [pointOf(point)] } });
  const byField = (field) => metrics.filter((metric) => metric[field]);
  assert.equal(metrics.length, points.length);
  assert.deepEqual(byField('sum'), [points[1], points[0]].map((point) =>
    expected('sum', point, { aggregationTemporality: 2, ...(point.sum.monotonic ? { isMonotonic: true } : {}) })));
  assert.deepEqual(byField('gauge'), [expected('gauge', points[2], {})]);
  assert.deepEqual(byField('histogram'), [expected('histogram', points[4], { aggregationTemporality: 2 })]);
  assert.deepEqual(byField('exponentialHistogram'), [expected('exponentialHistogram', points[3], { aggregationTemporality: 2 })]);
});
