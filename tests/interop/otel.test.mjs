// The OpenTelemetry SDK for Node as the caller: its span and ours are one trace, found by its own ids.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { context, propagation, SpanKind, trace } from '@opentelemetry/api';
import { CompositePropagator, W3CBaggagePropagator, W3CTraceContextPropagator } from '@opentelemetry/core';
import { AlwaysOffSampler, InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';
import { authorization, Stack } from '../e2e/stack.mjs';
import { until } from '../e2e/suite.mjs';

const stack = new Stack();
const exporter = new InMemorySpanExporter();
const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
provider.register({ propagator: new CompositePropagator({ propagators: [new W3CTraceContextPropagator(), new W3CBaggagePropagator()] }) });

before(() => stack.start({ edge: { slow: '1h' }, host: { slow: '1h' } }));
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
