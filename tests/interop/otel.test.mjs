// The OpenTelemetry SDK for Node as the caller: its span and ours are one trace, found by its own ids.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { context, propagation, SpanKind, trace } from '@opentelemetry/api';
import { CompositePropagator, W3CBaggagePropagator, W3CTraceContextPropagator } from '@opentelemetry/core';
import { JsonTraceSerializer, ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import { AlwaysOffSampler, InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';
import { authorization, request, Stack } from '../e2e/stack.mjs';
import { until } from '../e2e/suite.mjs';

const stack = new Stack();
const exporter = new InMemorySpanExporter();
const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
provider.register({ propagator: new CompositePropagator({ propagators: [new W3CTraceContextPropagator(), new W3CBaggagePropagator()] }) });

before(() => stack.start({ otlp: true, edge: { slow: '1h' }, host: { slow: '1h' } }));
after(async () => {
  await provider.shutdown();
  await stack.close();
});

// Calls the edge rack within a client span of `tracer`; gives the span's context and the answer.
async function call(tracer) {
  const span = tracer.startSpan('checkout', { kind: SpanKind.CLIENT });
  try {
    const headers = {};
    propagation.inject(trace.setSpan(context.active(), span), headers);
    const answer = await stack.shop(authorization('4532015112830366'), { headers });
    assert.equal(answer.status, 200, answer.text);
    return { sdk: span.spanContext(), id: answer.headers['flux-id'] };
  } finally {
    span.end();
  }
}

test('the trace holds the trace_id of the SDK, and our root span is a child of its span', async () => {
  const { sdk, id } = await call(trace.getTracer('shop'));
  const found = await stack.trace(sdk.traceId);
  assert.equal(found.matched_by, 'trace_id');
  const edge = found.transactions.find((row) => row.rack === 'edge');
  const host = found.transactions.find((row) => row.rack === 'host');
  assert.equal(edge.flux_id, id);
  assert.equal(edge.trace_id, sdk.traceId);
  assert.equal(edge.parent_span_id, sdk.spanId);
  assert.equal(host.trace_id, sdk.traceId);
  const exported = exporter.getFinishedSpans().find((span) => span.spanContext().spanId === sdk.spanId);
  assert.equal(exported.spanContext().traceId, edge.trace_id, 'what the SDK exports joins what we store');
  const ours = found.spans.find((span) => span.is_root && span.rack === 'edge');
  const [seconds, nanoseconds] = exported.startTime;
  assert.ok(Date.parse(ours.start_time) + 5 >= seconds * 1000 + nanoseconds / 1e6, 'ours lies within the SDK\'s span');
});

// A span of the SDK as its exporters send it.
async function send(span, { serializer, type, packed, token }) {
  const body = Buffer.from(serializer.serializeRequest([span]));
  const headers = { 'content-type': type, authorization: `Bearer ${token}`, ...(packed ? { 'content-encoding': 'gzip' } : {}) };
  return request(`http://127.0.0.1:${stack.ports.otlp}/v1/traces`, { body: packed ? gzipSync(body) : body, headers });
}

test('a service sends its spans to the mixer, and one trace shows them and ours', async () => {
  const token = readFileSync(stack.path('mixer/otlp-token'), 'utf8').trim();
  for (const way of [{ serializer: ProtobufTraceSerializer, type: 'application/x-protobuf', packed: true }, { serializer: JsonTraceSerializer, type: 'application/json', packed: false }]) {
    const { sdk } = await call(trace.getTracer('shop', '1.2.3'));
    await stack.trace(sdk.traceId);
    const exported = exporter.getFinishedSpans().find((span) => span.spanContext().spanId === sdk.spanId);
    assert.equal((await send(exported, { ...way, token: 'wrong' })).status, 401);
    for (let times = 0; times < 2; times += 1) {
      const answer = await send(exported, { ...way, token });
      assert.equal(answer.status, 200, answer.text);
      assert.equal(answer.headers['content-type'], way.type);
    }
    const { spans } = JSON.parse(stack.must(['trace', sdk.traceId, '--json']));
    const theirs = spans.filter(({ span_id: id }) => id === sdk.spanId);
    assert.equal(theirs.length, 1, 'sent twice, stored once');
    assert.equal(theirs[0].name, 'checkout');
    assert.equal(theirs[0].kind, 'client');
    assert.equal(theirs[0].rack, null);
    assert.match(theirs[0].attributes['service.name'], /^unknown_service:.*node$/);
    assert.equal(theirs[0].attributes['otel.scope.name'], 'shop');
    assert.equal(theirs[0].attributes['otel.scope.version'], '1.2.3');
    const ours = spans.find((span) => span.is_root && span.rack === 'edge');
    assert.equal(ours.parent_span_id, sdk.spanId, 'ours hangs below theirs');
    const drawn = stack.must(['trace', sdk.traceId]).split('\n');
    const line = drawn.findIndex((text) => /^ {2}unknown_service.* checkout /.test(text));
    assert.ok(line >= 0 && /^ {2}edge +.*POST \/authorize/.test(drawn[line + 1]), drawn.join('\n'));
  }
});

test('a caller that did not sample gets no child spans, but its audit records', async () => {
  const quiet = new NodeTracerProvider({ sampler: new AlwaysOffSampler() });
  const { sdk, id } = await call(quiet.getTracer('shop'));
  assert.equal(sdk.traceFlags, 0);
  const found = await stack.trace(id);
  assert.deepEqual(found.transactions.map((row) => [row.rack, row.trace_id, row.outcome]).sort(),
    [['edge', sdk.traceId, 'answered'], ['host', sdk.traceId, 'answered']]);
  assert.deepEqual(found.audit.map((row) => row.rack).sort(), ['edge', 'host']);
  // A later export of the metrics of both racks shows that the telemetry of this transaction has passed.
  await until('telemetry that ended later is stored', async () =>
    (await stack.number(`select count(distinct rack) from metrics where time > (select max(end_time) from transactions where flux_id = '${id}')`)) === 2);
  assert.equal(await stack.number(`select count(*) from spans where flux_id = '${id}' and not is_root`), 0);
  await quiet.shutdown();
});
