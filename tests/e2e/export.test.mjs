#!/usr/bin/env node
// The mixer exports to a back end that misbehaves in every way that the OTLP specification speaks of: what is sent
// again, how often and when, what is dropped, and that all of it is counted. Business never waits for it.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { BackEnd, partialSuccess } from './back_end.mjs';
import { authorization, freePort, mixerProgram, Stack } from './stack.mjs';
import { runSuite, until } from './suite.mjs';

const require = createRequire(new URL('../package.json', import.meta.url));
const { opentelemetry } = require('@opentelemetry/otlp-transformer/build/src/generated/root');
const collector = opentelemetry.proto.collector;

const stack = new Stack();
const pan = '4532015112830366';
let backEnd;

const section = (port, more = '') => `export:
  endpoint: http://127.0.0.1:${port}
  compression: gzip
  timeout_ms: 2500
  headers: { x-tenant: "seven" }
  queue: 1MiB
  flush_ms: 1500
  retry: { first_ms: 40, most_ms: 80, give_up_ms: 60000 }
${more}`;

const exported = async () => (await stack.api('/api/v1/status')).export;
const sum = (counts) => Object.values(counts).reduce((a, b) => a + b, 0);
const open = (signal) => signal.offered - signal.delivered - signal.rejected - sum(signal.dropped);

// The counters once nothing of traces is under way, and nothing new came for a second.
async function settled() {
  let last = '';
  let since = Date.now();
  return until('the export of traces is settled', async () => {
    const { traces } = await exported();
    const now = JSON.stringify(traces);
    if (now !== last) since = Date.now();
    last = now;
    return open(traces) === 0 && traces.queue_bytes === 0 && Date.now() - since > 700 && traces;
  }, 30_000);
}

async function pay() {
  const answer = await stack.shop(authorization(pan));
  assert.equal(answer.status, 200, answer.text);
  await stack.trace(answer.headers['flux-id']);
  return answer;
}

// One transaction against this script for traces: what it changed in the counters, and the requests that it caused.
async function against(...script) {
  const before = await settled();
  const seen = backEnd.of('traces').length;
  backEnd.scripts.traces = [...script];
  await pay();
  const after = await settled();
  assert.equal(backEnd.scripts.traces.length, 0, 'the whole script was played');
  const requests = backEnd.of('traces').slice(seen);
  const change = (name) => after[name] - before[name];
  const dropped = Object.fromEntries(Object.keys(after.dropped).map((cause) => [cause, after.dropped[cause] - before.dropped[cause]]).filter(([, count]) => count));
  assert.equal(change('attempts'), requests.length, 'every request arrived, and no other');
  return { requests, dropped, attempts: change('attempts'), retries: change('retries'), delivered: change('delivered'), rejected: change('rejected'), warnings: change('warnings'), unreadable: change('unreadable_answers'), offered: change('offered') };
}

// How often the body of the first request came.
const sends = ({ requests }) => requests.filter(({ hash }) => hash === requests[0].hash).length;

const spansOf = (body) => collector.trace.v1.ExportTraceServiceRequest.decode(body).resourceSpans
  .flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans));

await runSuite([
  ['what is stored is exported: gzip, headers, one trace', async () => {
    backEnd = await BackEnd.start({ port: await freePort() });
    await stack.start({ mixer: section(backEnd.port) });
    const answer = await pay();
    await settled();
    const [first] = backEnd.of('traces');
    assert.equal(first.method, 'POST');
    assert.equal(first.url, '/v1/traces');
    assert.equal(first.headers['content-type'], 'application/x-protobuf');
    assert.equal(first.headers['content-encoding'], 'gzip');
    assert.equal(first.headers['x-tenant'], 'seven');
    assert.match(first.headers['user-agent'], /^OTel-OTLP-Exporter-fluxrig\//);
    const stored = await stack.trace(answer.headers['flux-id']);
    const spans = backEnd.of('traces').flatMap(({ body }) => spansOf(body));
    const ids = spans.filter(({ traceId }) => Buffer.from(traceId).toString('hex') === stored.transactions[0].trace_id).map(({ spanId }) => Buffer.from(spanId).toString('hex'));
    assert.equal(new Set(ids).size, ids.length, 'each span once');
    const wanted = await stack.number(`select count(distinct span_id) from spans where trace_id = '${stored.transactions[0].trace_id}'`);
    assert.equal(ids.length, wanted, 'every stored span, and no other');
    await until('metrics and logs arrive', () => backEnd.of('metrics').length && backEnd.of('logs').length);
  }],
  ['429, 502, 503 and 504 are sent again, the same bytes, once for each', async () => {
    const result = await against({ status: 503 }, { status: 429 }, { status: 502 }, { status: 504 });
    assert.equal(sends(result), 5);
    assert.equal(result.retries, 4);
    assert.deepEqual(result.dropped, {});
    assert.equal(result.delivered, result.offered);
  }],
  ['every other failure is dropped, counted and never sent again', async () => {
    for (const status of [301, 400, 404, 413, 500]) {
      const result = await against({ status, headers: status === 301 ? { location: '/v1/traces' } : {} });
      assert.equal(sends(result), 1, `HTTP ${status}`);
      assert.equal(result.retries, 0, `HTTP ${status}`);
      assert.deepEqual(Object.keys(result.dropped), ['refused'], `HTTP ${status}`);
      assert.equal(result.delivered + result.dropped.refused, result.offered, `HTTP ${status}`);
    }
  }],
  ['Retry-After is waited for, in seconds and as a date', async () => {
    const seconds = await against({ status: 429, headers: { 'retry-after': '1' } });
    assert.ok(seconds.requests[1].at - seconds.requests[0].at >= 1_000, 'not before one second');
    assert.equal(sends(seconds), 2);
    const date = new Date(Date.now() + 4_000);
    const result = await against({ status: 503, headers: { 'retry-after': date.toUTCString() } });
    assert.ok(result.requests[1].at >= Math.floor(date.getTime() / 1_000) * 1_000, 'not before the date');
    assert.equal(sends(result), 2);
  }],
  ['a partial success is counted and not sent again', async () => {
    const result = await against({ status: 200, body: partialSuccess(1, 'one is too old') });
    assert.equal(sends(result), 1);
    assert.equal(result.retries, 0);
    assert.equal(result.rejected, 1);
    assert.equal(result.delivered + 1, result.offered);
    const warned = await against({ status: 200, body: partialSuccess(0, 'slow down') });
    assert.equal(warned.warnings, 1);
    assert.equal(warned.rejected, 0);
  }],
  ['cut connections, silence and garbage are sent again, once for each', async () => {
    const result = await against({ cut: true }, { cut: 'inside' }, { raw: 'garbage, no HTTP\r\n\r\n' }, { status: 200, after: 6_000 });
    assert.equal(sends(result), 5);
    assert.equal(result.retries, 4);
    assert.deepEqual(result.dropped, {});
  }],
  ['a success with a body that is none is no reason to send again', async () => {
    const result = await against({ status: 200, body: '<html>all good</html>' });
    assert.equal(sends(result), 1);
    assert.equal(result.unreadable, 1);
    assert.equal(result.delivered, result.offered);
  }],
  ['an answer over 4 MiB is not read to its end and not sent again', async () => {
    const result = await against({ status: 200, body: Buffer.alloc((4 << 20) + 1, 'x') });
    assert.equal(sends(result), 1);
    assert.deepEqual(Object.keys(result.dropped), ['unusable']);
  }],
  ['a back end that is away costs its own queue, and what waited arrives when it is back', async () => {
    const before = await settled();
    await backEnd.stop();
    const began = Date.now();
    await pay();
    assert.ok(Date.now() - began < 10_000, 'business goes on');
    await until('something waits', async () => (await exported()).traces.queue_bytes > 0);
    const { port, requests } = backEnd;
    backEnd = await BackEnd.start({ port });
    backEnd.requests = requests;
    const after = await settled();
    assert.deepEqual(after.dropped, before.dropped);
    assert.ok(after.delivered > before.delivered);
    assert.match(stack.log('mixer'), /the back end takes everything again/);
  }],
  ['the end waits for a back end that hangs no longer than flush_ms, and says what is lost', async () => {
    await settled();
    backEnd.otherwise = { status: 200, after: 60_000 };
    await pay();
    const began = Date.now();
    const log = stack.processes.get('mixer').log;
    const { code } = await stack.stop('mixer');
    assert.equal(code, 0);
    assert.ok(Date.now() - began < 12_000, `ended in ${Date.now() - began} ms`);
    assert.match(readFileSync(log, 'utf8'), /ended before everything was exported/);
    backEnd.otherwise = { status: 200 };
    await backEnd.stop();
  }],
  ['mutual TLS and JSON, from OTEL_* alone; bad values warn', async () => {
    const file = (name) => join(stack.pki, name);
    const tls = { cert: readFileSync(file('nats.crt')), key: readFileSync(file('nats.key')), ca: readFileSync(file('ca.crt')), requestCert: true, rejectUnauthorized: true };
    backEnd = await BackEnd.start({ port: await freePort(), tls });
    stack.spawn('mixer', mixerProgram, ['--config', stack.path('mixer.yaml')], {
      OTEL_EXPORTER_OTLP_ENDPOINT: `https://127.0.0.1:${backEnd.port}/base/`, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_EXPORTER_OTLP_CERTIFICATE: file('ca.crt'), OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: file('mixer.crt'), OTEL_EXPORTER_OTLP_CLIENT_KEY: file('mixer.key'),
      OTEL_EXPORTER_OTLP_TRACES_COMPRESSION: 'none', OTEL_EXPORTER_OTLP_HEADERS: 'x-tenant=a%20b', OTEL_EXPORTER_OTLP_LOGS_TIMEOUT: 'soon',
      OTEL_METRICS_EXPORTER: 'none', OTEL_SERVICE_NAME: '', OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test' });
    await stack.waitLog('mixer', 'mixer ready');
    await until('both racks are back', async () => stack.log('mixer').includes('hello rack=edge') && stack.log('mixer').includes('hello rack=host'), 30_000);
    await pay();
    await until('traces arrive', () => backEnd.of('traces').length);
    const [first] = backEnd.of('traces');
    assert.equal(first.url, '/base/v1/traces');
    assert.equal(first.headers['content-type'], 'application/json');
    assert.equal(first.headers['content-encoding'], undefined);
    assert.equal(first.headers['x-tenant'], 'a b');
    assert.equal(first.peer, 'mixer', 'the client has shown its certificate');
    const { resourceSpans } = JSON.parse(first.body);
    assert.ok(resourceSpans[0].resource.attributes.some(({ key, value }) => key === 'deployment.environment.name' && value.stringValue === 'test'));
    assert.equal(backEnd.of('metrics').length, 0);
    assert.match(stack.log('mixer'), /OTEL_EXPORTER_OTLP_LOGS_TIMEOUT is ignored: 'soon'/);
  }],
], async () => {
  await stack.close();
  await backEnd?.stop();
});
