#!/usr/bin/env node
// A rack without a mixer exports by itself: traces over gRPC, the rest over HTTP. Its dead back ends cost business nothing.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { BackEnd } from './back_end.mjs';
import { attribute, collector, failures, hex, logsOf, metricsOf, spansOf } from './export_tools.mjs';
import { grpcServer } from './grpc_back_end.mjs';
import { authorization, freePort, request, root, Stack } from './stack.mjs';
import { runSuite, until } from './suite.mjs';
import { compare, documented, sent } from './telemetry_names.mjs';

const stack = new Stack();
const pan = '4532015112830366';
const calls = [];  // of gRPC
let port;
let monitor;
let backEnd;
let wellBehaved;

// Traces go where OTEL_* says.
const scenario = (backEndPort) => `rack: alone
data: ${stack.path('alone')}
monitor: { listen: "127.0.0.1:${monitor}" }
telemetry:
  metrics: { interval: 500ms }
  export:
    endpoint: http://127.0.0.1:${backEndPort}
    compression: gzip
    queue: 1MiB
    retry: { first_ms: 40, most_ms: 80, give_up_ms: 60000 }
    flush_ms: 1500
gears:
  shop:     { type: http_server, listen: "127.0.0.1:${port}", routes: [ { path: /authorize, method: POST } ] }
  to_iso:   { type: map, request: ${root}/examples/maps/authorize.yaml, reply: ${root}/examples/maps/authorized.yaml }
  approver: { type: respond, set: { "39": "00" } }
wires: [ shop -> to_iso -> approver ]
`;

async function pay(agent) {
  const answer = await request(`http://127.0.0.1:${port}/authorize?card=${pan}`, { body: authorization(pan), agent });
  assert.equal(answer.status, 200, answer.text);
  return answer;
}

await runSuite([
  ['a rack without a mixer exports its own spans, metrics and logs, masked', async () => {
    backEnd = await BackEnd.start({ port: await freePort() });
    wellBehaved = await grpcServer((signal, message) => void calls.push({ signal, message }), { port: await freePort() });
    port = await freePort();
    monitor = await freePort();
    stack.writeScenario('alone', scenario(backEnd.port));
    await stack.startRack('alone', { welcomed: false, env: { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `http://127.0.0.1:${wellBehaved.port}`,
      OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'grpc', OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=shop-17', OTEL_EXPORTER_OTLP_TIMEOUT: 'never' } });
    assert.match(stack.log('alone'), /OTEL_EXPORTER_OTLP_TIMEOUT is ignored: 'never'/);
    const fluxIds = [];
    for (let i = 0; i < 5; i += 1) fluxIds.push((await pay()).headers['flux-id']);
    const spans = await until('the spans of all', () => {
      const all = calls.flatMap(({ message }) => spansOf(message));
      return fluxIds.every((id) => all.filter((span) => attribute(span, 'fluxrig.flux_id') === id).length === 3) && all;
    });
    const events = await until('the audit events of all', () => {
      const all = backEnd.of('logs').flatMap(({ body }) => logsOf(body)).filter(({ eventName }) => eventName === 'fluxrig.transaction');
      return all.length === fluxIds.length && all;
    });
    assert.deepEqual(events.map((event) => attribute(event, 'fluxrig.flux_id')), fluxIds, 'each once, in their order');
    for (const event of events) {
      const root = spans.find(({ spanId }) => hex(spanId) === hex(event.spanId));
      assert.equal(hex(root.traceId), hex(event.traceId), 'joined with its span');
      const children = spans.filter(({ parentSpanId }) => parentSpanId && hex(parentSpanId) === hex(root.spanId));
      assert.equal(children.length, 2);
      assert.ok(children.every(({ flags }) => (flags & 1) === (root.flags & 1)), 'their flags are those of the transaction');
      assert.ok(Number(attribute(event, 'fluxrig.sequence')) > 0, 'the record in the audit chain');
    }
    const metrics = await until('metrics', () => {
      const all = backEnd.of('metrics').flatMap(({ body }) => metricsOf(body));
      return all.some(({ name, sum: held }) => name === 'fluxrig.rack.transactions' && held.dataPoints[0].asDouble === 5) && all;
    });
    assert.ok(metrics.some(({ name, exponentialHistogram }) => name === 'fluxrig.gear.duration' && exponentialHistogram));
    const [resource] = collector.trace.v1.ExportTraceServiceRequest.decode(calls[0].message).resourceSpans;
    assert.equal(attribute(resource.resource, 'service.name'), 'alone');
    assert.equal(attribute(resource.resource, 'deployment.environment.name'), 'shop-17');
    assert.ok(attribute(resource.resource, 'host.name'));
    const bytes = Buffer.concat([...calls.map(({ message }) => message), ...backEnd.requests.map(({ body }) => body)]);
    assert.ok(bytes.includes('tok_'), 'the card is there as its token');
    assert.ok(!bytes.includes(pan) && !bytes.includes(pan.slice(6, 15)), 'and its number nowhere');
  }],
  ['every name of its own exports is documented, and every documented one is sent', async () => {
    const bodies = (signal) => backEnd.of(signal).map(({ body }) => body);
    const isOfExports = ({ name, what }) => /^(otel\.sdk|fluxrig\.export)\./.test(name) || /^attribute of (otel\.sdk|fluxrig\.export)\./.test(what);
    const { entries } = documented();
    const isOperators = (key) => key.startsWith('resource: deployment.environment.name');  // set above
    let found;
    await until('the names of exports', () => {
      const keys = sent({ traces: calls.map(({ message }) => message), metrics: bodies('metrics'), logs: bodies('logs') });
      found = { undocumented: compare(keys, { entries, needs: [] }).undocumented.filter((key) => !isOperators(key)), missing: compare(keys, { entries: entries.filter(isOfExports), needs: [] }).missing };
      return found.missing.length === 0;
    }, 10_000).catch(() => {});  // what is missing is said below
    assert.deepEqual(found, { undocumented: [], missing: [] });
  }],
  ['its own port shows metrics, and says whether it is ready', async () => {
    const ask = (path, accept = '*/*') => request(`http://127.0.0.1:${monitor}${path}`, { method: 'GET', headers: { accept } });
    assert.equal((await ask('/livez')).status, 200);
    assert.equal((await ask('/readyz')).text, 'ready\n');
    const plain = await ask('/metrics');
    assert.match(plain.headers['content-type'], /^text\/plain; version=0\.0\.4/);
    assert.match(plain.text, /^fluxrig_rack_transactions_total\{rack="alone",machine_id="[0-9a-f-]{36}"\} [1-9]\d*$/m);
    const exemplar = await until('an exemplar of a span that was sent', async () => {
      const open = await ask('/metrics', 'application/openmetrics-text; version=1.0.0');
      assert.match(open.headers['content-type'], /^application\/openmetrics-text; version=1\.0\.0/);
      assert.match(open.text, /\n# EOF\n$/);
      return /^http_server_request_duration_seconds_bucket\{.*\} \d+ # \{trace_id="([0-9a-f]{32})"/m.exec(open.text);
    });
    assert.ok(calls.some(({ message }) => spansOf(message).some(({ traceId }) => hex(traceId) === exemplar[1])));
    for (const { text } of [plain, await ask(`/${pan}`)]) assert.ok(!text.includes(pan));
  }],
  ['its dead back ends cost business nothing, and their own backlog only', async () => {
    const before = calls.length;
    await backEnd.stop();
    wellBehaved.stop();
    assert.equal(await failures(200, pay), 0);
    const { pid } = stack.processes.get('alone').child;
    const resident = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024;
    const from = resident();
    assert.equal(await failures(2_000, pay), 0, 'every request was answered');
    assert.ok(resident() - from < 48, `${from} MiB, then ${resident()} MiB: queues of 1 MiB for each signal`);
    backEnd = Object.assign(await BackEnd.start({ port: backEnd.port }), { requests: [] });
    const dropped = await until('the rack tells what it has dropped', () => {
      const all = backEnd.of('metrics').flatMap(({ body }) => metricsOf(body)).filter(({ name }) => name === 'fluxrig.export.dropped');
      return all.flatMap(({ sum: held }) => held.dataPoints).some(({ asDouble }) => asDouble > 0) && all;
    });
    const causes = new Set(dropped.flatMap(({ sum: held }) => held.dataPoints).filter(({ asDouble }) => asDouble > 0).map((point) => attribute(point, 'fluxrig.cause')));
    assert.deepEqual([...causes], ['queue_full']);
    assert.equal(calls.length, before);
    const began = Date.now();
    assert.equal((await stack.stop('alone')).code, 0);
    assert.ok(Date.now() - began < 5_000, 'the end does not wait for a back end that is away');
    assert.match(readFileSync(stack.path('alone.log'), 'utf8'), /ended before everything was exported/);
  }],
], async () => {
  await stack.close();
  await backEnd?.stop();
  wellBehaved?.stop();
});
