#!/usr/bin/env node
// The mixer exports to back ends that misbehave in every way that the OTLP specification speaks of: what is sent
// again, how often and when, what is dropped, and that all of it is counted. Business never waits for them. Traces and
// metrics go out over HTTP, logs over gRPC, and each claim is made of both at once.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { BackEnd, partialSuccess } from './back_end.mjs';
import { droppedFor, ExportAccounts, sends, takenAfter } from './export_accounts.mjs';
import { collector, failures, logsOf, metricsOf, spansOf, textOf } from './export_tools.mjs';
import { GrpcBackEnd, grpcServer, retryInfo } from './grpc_back_end.mjs';
import { scraped } from './prometheus.mjs';
import { authorization, freePort, mixerProgram, request, Stack } from './stack.mjs';
import { runSuite, until } from './suite.mjs';
import { compare, documented, sent } from './telemetry_names.mjs';

const stack = new Stack();
const pan = '4532015112830366';
let backEnd;
let grpc;
let wellBehaved;
let monitor;  // the edge's own port

// Beside the way to the bank, one over HTTP: its upstream is the back end, which takes anything.
const edge = (more = {}) => ({
  top: `monitor: { listen: "127.0.0.1:${monitor}" }\n`,
  gears: `  web:     { type: http_server, listen: "127.0.0.1:${stack.ports.web}", routes: [ { path: /forward } ] }\n` +
    `  forward: { type: http_client, url: "http://127.0.0.1:${backEnd.port}", path: /forwarded }\n`,
  wires: '  - web -> forward\n', ...more,
});

const section = (port, grpcPort) => `export:
  endpoint: http://127.0.0.1:${port}
  compression: gzip
  timeout_ms: 2500
  headers: { x-tenant: "seven" }
  queue: 1MiB
  flush_ms: 1500
  retry: { first_ms: 40, most_ms: 80, give_up_ms: 60000 }
  logs: { endpoint: "127.0.0.1:${grpcPort}", protocol: grpc, insecure: true }
`;

async function pay() {
  const answer = await stack.shop(authorization(pan));
  assert.equal(answer.status, 200, answer.text);
  await stack.trace(answer.headers['flux-id']);
  return answer;
}

const accounts = new ExportAccounts(stack, { traces: () => backEnd, logs: () => grpc }, pay);

await runSuite([
  ['what is stored is exported: gzip, headers, one trace', async () => {
    backEnd = await BackEnd.start({ port: await freePort() });
    grpc = await GrpcBackEnd.start({ port: await freePort() });
    monitor = await freePort();
    stack.ports.web = await freePort();
    await stack.start({ mixer: section(backEnd.port, grpc.port), edge: edge() });
    const answer = await pay();
    await accounts.settled();
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
    const { resource } = collector.trace.v1.ExportTraceServiceRequest.decode(first.body).resourceSpans[0];
    const told = textOf(resource.attributes);
    assert.equal(told['service.version'], told['telemetry.sdk.version']);
    assert.match(told['service.version'], /^\d+\.\d+/);
    assert.equal(told['host.name'], hostname());
    assert.equal(told['process.executable.name'], 'fluxrig');
    const { racks } = await stack.api('/api/v1/racks');
    assert.deepEqual(racks.map((rack) => rack.resource['host.name']), [hostname(), hostname()]);
    await until('metrics arrive', () => backEnd.of('metrics').length);
  }],
  ['gRPC: the call is what the specification asks for, and its message one of OTLP', async () => {
    const [first] = grpc.of('logs');
    const { headers } = first;
    assert.equal(headers[':method'], 'POST');
    assert.equal(headers[':scheme'], 'http');
    assert.equal(headers[':path'], '/opentelemetry.proto.collector.logs.v1.LogsService/Export');
    assert.equal(headers[':authority'], `127.0.0.1:${grpc.port}`);
    assert.equal(headers['content-type'], 'application/grpc');
    assert.equal(headers.te, 'trailers');
    assert.equal(headers['grpc-encoding'], 'gzip');
    assert.equal(headers['grpc-timeout'], '2500m');
    assert.equal(headers['x-tenant'], 'seven');
    assert.match(headers['user-agent'], /^OTel-OTLP-Exporter-fluxrig\//);
    assert.equal(first.flag, 1);
    assert.equal(first.length, first.held);
    const events = grpc.of('logs').flatMap(({ body }) => logsOf(body)).filter(({ eventName }) => eventName === 'fluxrig.transaction');
    const stored = await stack.number('select count(*) from transactions');
    assert.equal(events.length, stored, 'every audit event, once');
  }],
  ['http.server.request.duration is what the conventions prescribe, and its exemplar is a span that was sent', async () => {
    await pay();
    const found = await until('the histogram with an exemplar arrives', () => {
      for (const { body } of backEnd.of('metrics'))
        for (const metric of metricsOf(body))
          if (metric.name === 'http.server.request.duration' && metric.histogram.dataPoints.some(({ exemplars }) => exemplars.length)) return metric;
      return undefined;
    });
    assert.equal(found.unit, 's');
    assert.equal(found.histogram.aggregationTemporality, 2);
    const [point] = found.histogram.dataPoints;
    assert.deepEqual(point.explicitBounds, [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]);
    assert.equal(point.bucketCounts.reduce((a, b) => a + Number(b), 0), Number(point.count));
    assert.deepEqual(textOf(point.attributes), { 'fluxrig.gear': 'shop', 'http.request.method': 'POST', 'http.route': '/authorize',
      'http.response.status_code': '200', 'url.scheme': 'http', 'network.protocol.version': '1.1' });
    const [exemplar] = point.exemplars;
    const spanIds = () => backEnd.of('traces').flatMap(({ body }) => spansOf(body)).map(({ spanId }) => Buffer.from(spanId).toString('hex'));
    await until('its span is there', () => spanIds().includes(Buffer.from(exemplar.spanId).toString('hex')));
    assert.ok(await stack.number(`select count(*) from metrics where name = 'http.server.request.duration' and count > 0 and len(buckets) = 15 and len(bounds) = 14`) > 0);
  }],
  ['metrics can be pulled: OpenMetrics with an exemplar that resolves, and a Prometheus when there is one', async () => {
    const token = readFileSync(stack.path('mixer/api-token'), 'utf8').trim();
    const pull = (accept, authorization = `Bearer ${token}`) => request(`http://127.0.0.1:${stack.ports.api}/metrics`, { method: 'GET', headers: { accept, authorization } });
    assert.equal((await pull('*/*', 'Bearer wrong')).status, 401);
    const plain = await pull('*/*');
    assert.match(plain.headers['content-type'], /^text\/plain; version=0\.0\.4/);
    assert.match(plain.text, /^http_server_request_duration_seconds_count\{rack="edge",.*http_route="\/authorize".*\} [1-9]/m);
    await pay();
    const exemplar = await until('an exemplar is shown', async () => {
      const open = await pull('application/openmetrics-text; version=1.0.0');
      assert.match(open.headers['content-type'], /^application\/openmetrics-text; version=1\.0\.0/);
      assert.match(open.text, /\n# EOF\n$/);
      return /^http_server_request_duration_seconds_bucket\{.*\} \d+ # \{trace_id="([0-9a-f]{32})",span_id="[0-9a-f]{16}"\}/m.exec(open.text);
    });
    assert.ok((await stack.trace(exemplar[1])).transactions.length > 0, 'one look-up from the exemplar to its trace');
    await scraped(stack, monitor, token);
  }],
  ['429, 502, 503 and 504 are sent again, the same bytes, once for each', async () => {
    const { traces, logs } = await accounts.against({
      traces: [{ status: 503 }, { status: 429 }, { status: 502 }, { status: 504 }],
      logs: [1, 4, 10, 11, 14, 15].map((code) => ({ code })),
    });
    takenAfter(traces, 5);
    takenAfter(logs, 7);
  }],
  ['every other failure is dropped, counted and never sent again', async () => {
    for (const [status, code] of [[301, 3], [400, 8], [404, 13], [413, 12], [500, 16]]) {
      const { traces, logs } = await accounts.against({ traces: [{ status, headers: status === 301 ? { location: '/v1/traces' } : {} }], logs: [{ code, message: 'no "thanks" — %' }] });
      droppedFor(traces, 'refused', `HTTP ${status}`);
      droppedFor(logs, 'refused', `gRPC ${code}`);
    }
    assert.match(stack.log('mixer'), /refused with gRPC INVALID_ARGUMENT: no \\?"thanks\\?" \?\?\? %/);
  }],
  ['Retry-After is waited for, in seconds and as a date; so is RetryInfo', async () => {
    const seconds = await accounts.against({
      traces: [{ status: 429, headers: { 'retry-after': '1' } }],
      logs: [{ code: 8, details: retryInfo(1_200) }],
    });
    assert.ok(seconds.traces.requests[1].at - seconds.traces.requests[0].at >= 1_000, 'not before one second');
    takenAfter(seconds.traces, 2);
    assert.ok(seconds.logs.requests[1].at - seconds.logs.requests[0].at >= 1_200, 'not before the delay');
    takenAfter(seconds.logs, 2);
    const date = new Date(Date.now() + 3_000);
    const result = await accounts.against({
      traces: [{ status: 503, headers: { 'retry-after': date.toUTCString() } }],
      logs: [{ code: 14, details: retryInfo(300) }, { code: 8, details: retryInfo(0) }],
    });
    assert.ok(result.traces.requests[1].at >= Math.floor(date.getTime() / 1_000) * 1_000, 'not before the date');
    takenAfter(result.traces, 2);
    assert.ok(result.logs.requests[1].at - result.logs.requests[0].at >= 300, 'not before the delay');
    takenAfter(result.logs, 3);
  }],
  ['a partial success is counted and not sent again', async () => {
    const rejected = partialSuccess(1, 'one is too old');
    for (const result of Object.values(await accounts.against({ traces: [{ status: 200, body: rejected }], logs: [{ code: 0, body: rejected }] }))) {
      assert.equal(sends(result), 1);
      assert.equal(result.retries, 0);
      assert.equal(result.rejected, 1);
      assert.equal(result.delivered + 1, result.offered);
    }
    const warning = partialSuccess(0, 'slow down');
    for (const result of Object.values(await accounts.against({ traces: [{ status: 200, body: warning }], logs: [{ code: 0, body: warning }] }))) {
      assert.equal(result.warnings, 1);
      assert.equal(result.rejected, 0);
    }
  }],
  ['cut connections, silence and garbage are sent again, once for each', async () => {
    const { traces, logs } = await accounts.against({
      traces: [{ cut: true }, { cut: 'inside' }, { raw: 'garbage, no HTTP\r\n\r\n' }, { status: 200, after: 6_000 }],
      logs: [{ cut: true }, { goaway: true }, { reset: 7 }, { reset: 8 }, { http: 503 }, { code: 0, after: 6_000 }],
    });
    takenAfter(traces, 5);
    takenAfter(logs, 7);
  }],
  ['a success with a body that is none is no reason to send again', async () => {
    for (const result of Object.values(await accounts.against({ traces: [{ status: 200, body: '<html>all good</html>' }], logs: [{ code: 0, bytes: Buffer.from('no frame') }] }))) {
      assert.equal(sends(result), 1);
      assert.equal(result.unreadable, 1);
      assert.equal(result.delivered, result.offered);
    }
  }],
  ['an answer over 4 MiB is not read to its end and not sent again', async () => {
    const { traces, logs } = await accounts.against({ traces: [{ status: 200, body: Buffer.alloc((4 << 20) + 1, 'x') }], logs: [{ code: 0, body: Buffer.alloc((4 << 20) + 1, 'x') }] });
    droppedFor(traces, 'unusable');
    droppedFor(logs, 'unusable');
  }],
  ['a slow back end becomes pressure, racks send less, business goes on; a fast one relieves', async () => {
    const before = (await accounts.settled()).traces;
    const pressure = async () => (await stack.api('/api/v1/status')).pressure;
    backEnd.otherwise = { status: 200, after: 400 };
    let failed = 0;
    const high = await until('level 1', async () => {
      failed += await failures(100, (agent) => stack.shop(authorization(pan), { agent }));
      const now = await pressure();
      return now.level > 0 && now;
    }, 20_000);
    assert.deepEqual([high.level, high.cause], [1, 'export']);
    await until('the rack restricts', async () => (await stack.api('/api/v1/racks')).racks.some(({ pressure: of }) => of?.state === 'restrict'));
    assert.equal(failed, 0, 'every request was answered');
    backEnd.otherwise = { status: 200 };
    await until('level 0', async () => (await pressure()).level === 0, 20_000);
    const after = (await accounts.settled()).traces;
    const changed = Object.keys(after.dropped).filter((cause) => after.dropped[cause] !== before.dropped[cause]);
    assert.ok(changed.every((cause) => cause === 'queue_full'), `dropped for ${changed}`);
    assert.ok(after.delivered > before.delivered, 'and all that was not dropped has arrived');
  }],
  ['a back end that is away costs its own queue, and what waited arrives when it is back', async () => {
    const before = await accounts.settled();
    await backEnd.stop();
    await grpc.stop();
    const began = Date.now();
    await pay();
    assert.ok(Date.now() - began < 10_000, 'business goes on');
    await until('something waits', async () => {
      const { traces, logs } = await accounts.now();
      return traces.queue_bytes > 0 && logs.queue_bytes > 0;
    });
    backEnd = Object.assign(await BackEnd.start({ port: backEnd.port }), { requests: backEnd.requests });
    grpc = Object.assign(await GrpcBackEnd.start({ port: grpc.port }), { requests: grpc.requests });
    const after = await accounts.settled();
    for (const signal of accounts.signals) {
      assert.deepEqual(after[signal].dropped, before[signal].dropped);
      assert.ok(after[signal].delivered > before[signal].delivered);
    }
    assert.match(stack.log('mixer'), /the back end takes everything again/);
  }],
  ['every name that is sent is documented with its type and place, and every documented one is sent', async () => {
    const ask = (path, options) => request(`http://127.0.0.1:${stack.ports.web}${path}`, options);
    // Of all that a run can bring about without a fault: a part of the spans, answers of every class, an operator, a restart.
    const forward = async () => {
      backEnd.scripts['/forwarded'] = [{ status: 500 }];
      assert.deepEqual([(await ask('/forward')).status, (await ask('/forward')).status], [500, 200]);
    };
    await forward();
    stack.writeScenarios({ edge: edge({ ratio: 0.5 }) });
    stack.processes.get('edge').child.kill('SIGHUP');
    await stack.waitLog('edge', 'log level and sampling were taken over');
    assert.equal(await failures(40, (agent) => stack.shop(authorization(pan), { agent })), 0);
    assert.equal((await stack.shop(JSON.stringify({ card: { pan: 'x' } }))).status, 422);
    assert.equal((await ask('/nowhere')).status, 404);
    stack.must(['rack', 'pressure', 'edge', 'restrict', '--for', '1s', '--reason', 'names']);
    stack.must(['rack', 'debug', 'edge', 'on', '--for', '1s', '--reason', 'names']);
    await stack.stop('host');
    await stack.startRack('host');
    await until('the bank is back', async () => (await stack.shop(authorization(pan))).status === 200);
    const page = documented();
    let found;
    const bodies = (from, signal) => from.of(signal).map(({ body }) => body);
    // Asked again and again: while a rack restricts, one trace in ten keeps the spans of its gears.
    await until('the documented names', async () => {
      await forward();
      found = compare(sent({ traces: bodies(backEnd, 'traces'), metrics: bodies(backEnd, 'metrics'), logs: bodies(grpc, 'logs') }), page);
      return found.missing.length === 0;
    }, 30_000).catch(() => {});  // what is missing is said below
    assert.deepEqual(found, { undocumented: [], missing: [] });
    const shown = (await request(`http://127.0.0.1:${stack.ports.api}/metrics`, { method: 'GET', headers: { authorization: `Bearer ${readFileSync(stack.path('mixer/api-token'), 'utf8').trim()}` } })).text;
    const ofMixer = [...shown.matchAll(/^# TYPE (fluxrig_mixer_\w+)/gm)].map(([, name]) => name.replace(/(_bytes)?(_total)?$/, ''));
    assert.deepEqual(ofMixer.sort(), page.ofMixer.map((name) => name.replaceAll('.', '_')).sort());
  }],
  ['the end waits for a back end that hangs no longer than flush_ms, and says what is lost', async () => {
    await accounts.settled();
    backEnd.otherwise = { status: 200, after: 60_000 };
    grpc.otherwise = { code: 0, after: 60_000 };
    await pay();
    const began = Date.now();
    const log = stack.processes.get('mixer').log;
    const { code } = await stack.stop('mixer');
    assert.equal(code, 0);
    assert.ok(Date.now() - began < 12_000, `ended in ${Date.now() - began} ms`);
    assert.match(readFileSync(log, 'utf8'), /ended before everything was exported/);
    await backEnd.stop();
    await grpc.stop();
  }],
  ['mutual TLS, JSON and gRPC, from OTEL_* alone; bad values warn', async () => {
    const file = (name) => join(stack.pki, name);
    const tls = { cert: readFileSync(file('nats.crt')), key: readFileSync(file('nats.key')), ca: readFileSync(file('ca.crt')), requestCert: true, rejectUnauthorized: true };
    backEnd = await BackEnd.start({ port: await freePort(), tls });
    const logs = [];
    wellBehaved = await grpcServer((signal, message, call) => void logs.push({ signal, message, tenant: call.metadata.get('x-tenant'), peer: call.getAuthContext().sslPeerCertificate?.subject.CN }), { port: await freePort(), tls });
    stack.spawn('mixer', mixerProgram, ['--config', stack.path('mixer.yaml')], {
      OTEL_EXPORTER_OTLP_ENDPOINT: `https://127.0.0.1:${backEnd.port}/base/`, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_EXPORTER_OTLP_CERTIFICATE: file('ca.crt'), OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: file('mixer.crt'), OTEL_EXPORTER_OTLP_CLIENT_KEY: file('mixer.key'),
      OTEL_EXPORTER_OTLP_TRACES_COMPRESSION: 'none', OTEL_EXPORTER_OTLP_HEADERS: 'x-tenant=a%20b', OTEL_EXPORTER_OTLP_LOGS_TIMEOUT: 'soon',
      OTEL_EXPORTER_OTLP_LOGS_PROTOCOL: 'grpc', OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: `127.0.0.1:${wellBehaved.port}`, OTEL_EXPORTER_OTLP_LOGS_INSECURE: 'false',
      OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: 'Delta', OTEL_SERVICE_NAME: '', OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test' });
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
    const isCounter = ({ name }) => name === 'fluxrig.gear.messages';
    const counters = () => backEnd.of('metrics').flatMap(({ body }) => JSON.parse(body).resourceMetrics)
      .flatMap(({ scopeMetrics }) => scopeMetrics[0].metrics.filter(isCounter));
    await until('deltas arrive', () => counters().length > 1);
    assert.ok(counters().every(({ sum: { aggregationTemporality } }) => aggregationTemporality === 1));
    const points = counters().flatMap(({ sum: { dataPoints } }) => dataPoints);
    assert.ok(points.every(({ startTimeUnixNano, timeUnixNano }) => BigInt(timeUnixNano) - BigInt(startTimeUnixNano) < 60_000_000_000n), 'since the point before, not since the start');
    assert.ok((await accounts.now()).deltas_left_out.first > 0, 'what another mixer may have sent is not sent again');
    await until('logs arrive', () => logs.length);
    assert.equal(logs[0].signal, 'logs');
    assert.ok(logsOf(logs[0].message).every(({ eventName, body }) => eventName || body), 'a request with log records');
    assert.deepEqual(logs[0].tenant, ['a b']);
    assert.equal(logs[0].peer, 'mixer', 'here as well');
    assert.match(stack.log('mixer'), /OTEL_EXPORTER_OTLP_LOGS_TIMEOUT is ignored: 'soon'/);
  }],
], async () => {
  await Promise.all(['edge', 'host'].map((rack) => stack.stop(rack)));  // while there is a mixer: nothing to wait for
  await stack.close();
  await backEnd?.stop();
  await grpc?.stop();
  wellBehaved?.stop();
});
