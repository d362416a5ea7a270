#!/usr/bin/env node
// One transaction over two racks, the bus and the store: ids, spans, tokens, and no card number on any disk.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import { read } from '../interop/cbor_peer.mjs';
import { runSuite, until } from './suite.mjs';
import { authorization, freePort, request, Stack } from './stack.mjs';

const pan = '4532015112830366';
const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const caller = '00f067aa0ba902b7';
const stack = new Stack();
let answer;
let trace;

function filesUnder(directory) {
  return readdirSync(directory).flatMap((name) => {
    const path = join(directory, name);
    const kind = statSync(path);
    return kind.isDirectory() ? filesUnder(path) : kind.isFile() ? [path] : [];
  });
}

const forms = { ascii: Buffer.from(pan), bcd: Buffer.from(pan, 'hex'), utf16: Buffer.from(pan, 'utf16le'),
  ebcdic: Buffer.from([...pan].map((digit) => 0xf0 + Number(digit))), base64: Buffer.from(Buffer.from(pan).toString('base64')) };

await runSuite([
  ['a request with a trace context is answered by the other rack', async () => {
    await stack.start();
    answer = await stack.shop(authorization(pan), { headers: { traceparent: `00-${traceId}-${caller}-01`, tracestate: 'a=1,b=2' } });
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.json().approved, true);
  }],
  ['one transaction of each rack, of one flux_id and the caller\'s trace_id', async () => {
    const id = answer.headers['flux-id'];
    trace = await until('the spans of both racks are stored', async () => {
      const found = await stack.api(`/api/v1/trace/${id}`);
      return found.transactions.length >= 2 && found.spans.length >= 9 && found;
    });
    assert.deepEqual(trace.transactions.map((row) => row.rack).sort(), ['edge', 'host']);
    for (const row of trace.transactions) {
      assert.equal(row.flux_id, id);
      assert.equal(row.trace_id, traceId);
      assert.equal(row.outcome, 'answered');
    }
    assert.deepEqual(trace.audit.map((row) => row.rack).sort(), ['edge', 'host']);
  }],
  ['the caller\'s span is the parent, and every other parent is a span of the trace', async () => {
    const edge = trace.transactions.find((row) => row.rack === 'edge');
    const host = trace.transactions.find((row) => row.rack === 'host');
    assert.equal(edge.parent_span_id, caller);
    assert.equal(host.parent_span_id, trace.spans.find((span) => span.gear === 'bank').span_id);
    const known = new Set([caller, ...trace.spans.map((span) => span.span_id)]);
    assert.equal(known.size, trace.spans.length + 1, 'span ids are unique');
    for (const span of trace.spans) assert.ok(known.has(span.parent_span_id), `${span.rack} ${span.gear} hangs in the air`);
    const gears = trace.spans.map((span) => `${span.rack}/${span.gear}`).sort();
    assert.deepEqual(gears, ['edge/bank', 'edge/codec', 'edge/shop', 'edge/to_iso', 'host/approver', 'host/ask', 'host/asked',
      'host/codec', 'host/switch']);
  }],
  ['both racks record the same token and say what they masked', async () => {
    const tokens = trace.transactions.map((row) => row.attributes['iso8583.2']);
    assert.match(tokens[0], /^tok_k1_[a-z]{32}$/);
    assert.equal(tokens[1], tokens[0]);
    for (const row of trace.transactions) {
      assert.ok(row.redactions.includes('iso8583.2 token'), row.redactions.join());
      assert.ok(row.redactions.includes('iso8583.14 drop'), row.redactions.join());
    }
    assert.ok(!JSON.stringify(trace).includes(pan));
  }],
  ['tracestate is recorded as the caller sent it', async () => {
    const rows = await stack.rows(`select rack, tracestate from transactions where trace_id = '${traceId}' order by rack`);
    assert.deepEqual(rows, [{ rack: 'edge', tracestate: 'a=1,b=2' }, { rack: 'host', tracestate: 'a=1,b=2' }]);
  }],
  ['fluxrig trace finds it by each of the three ids and prints them', async () => {
    const { flux_id: id, machine_id: machine } = trace.transactions.find((row) => row.rack === 'edge');
    for (const asked of [id, traceId, machine]) assert.ok(stack.must(['trace', asked]).includes(id), `asked for ${asked}`);
    const shown = stack.must(['trace', id]);
    for (const wanted of [id, traceId, machine, 'iso8583.2']) assert.ok(shown.includes(wanted), `${wanted} in ${shown}`);
  }],
  ['trace context, tracestate, baggage and flux-id go out over HTTP, and a caller\'s flux-id is not believed', async () => {
    const seen = [];
    const upstream = http.createServer((incoming, outgoing) => {
      seen.push(incoming.headers);
      outgoing.end('{}');
    });
    await new Promise((resolve) => upstream.listen(0, '127.0.0.1', resolve));
    try {
      const port = await freePort();
      stack.writeScenario('relay', `rack: relay\ndata: ${stack.path('relay')}\ngears:
  front: { type: http_server, listen: "127.0.0.1:${port}", routes: [ { path: /x } ] }
  back:  { type: http_client, url: "http://127.0.0.1:${upstream.address().port}" }
wires: [ front -> back ]\n`);
      await stack.startRack('relay', { welcomed: false });
      const relayed = await request(`http://127.0.0.1:${port}/x`, { body: '{}', headers: { traceparent: `00-${traceId}-${caller}-01`,
        tracestate: 'vendor=opaque,other=2', baggage: 'tenant=blue', 'flux-id': '0192f3c1-7a44-7c10-9a51-3d5e0c9b1f02' } });
      assert.equal(relayed.status, 200, relayed.text);
      assert.match(seen[0].traceparent, new RegExp(`^00-${traceId}-(?!${caller})[0-9a-f]{16}-01$`));
      assert.equal(seen[0].tracestate, 'vendor=opaque,other=2');
      assert.equal(seen[0].baggage, 'tenant=blue');
      assert.equal(seen[0]['flux-id'], relayed.headers['flux-id']);
      assert.notEqual(seen[0]['flux-id'], '0192f3c1-7a44-7c10-9a51-3d5e0c9b1f02');
      await stack.stop('relay');
    } finally {
      upstream.closeAllConnections?.();
      upstream.close();
    }
  }],
  ['an independent decoder reads as many records in the rack\'s segments as wal verify counts', async () => {
    for (const rack of ['edge', 'host']) {
      assert.equal((await stack.stop(rack)).code, 0);
      const verified = JSON.parse(stack.must(['wal', 'verify', '--json', stack.path(rack, 'audit')]));
      const blocks = filesUnder(stack.path(rack, 'audit')).filter((file) => file.endsWith('.wal')).flatMap((file) => read(readFileSync(file)).blocks);
      const records = blocks.flatMap((block) => block.records ?? []);
      assert.ok(verified.good);
      assert.equal(records.length, verified.records);
      assert.equal(blocks.length, verified.blocks);
      assert.ok(records.some((record) => record.flux_id === answer.headers['flux-id'].replaceAll('-', '')), 'the transaction is among them');
    }
  }],
  ['no file of racks or mixer holds the card number in any encoding', async () => {
    assert.equal((await stack.stop('mixer')).code, 0);
    const files = filesUnder(stack.directory);
    for (const part of ['/edge/audit/', '/host/audit/', '/store.duckdb', '/FLUX_MSG/', '/FLUX_AUDIT/', '/FLUX_TELEMETRY/', 'edge.log', 'mixer.log'])
      assert.ok(files.some((file) => file.includes(part)), `${part} was searched`);
    for (const file of files) {
      const bytes = readFileSync(file);
      for (const [form, wanted] of Object.entries(forms)) assert.ok(!bytes.includes(wanted), `${file} holds the card number (${form})`);
    }
    assert.ok(Buffer.concat(files.map((file) => readFileSync(file))).includes('tok_k1_'), 'the search sees what is stored');
  }],
], () => stack.close());
