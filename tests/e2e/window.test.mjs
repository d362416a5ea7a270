#!/usr/bin/env node
// The server forgets a message's id after its duplicate window. A message whose acknowledgement was lost and that is
// published again later than that stands in the stream twice: the racks alone see to it that it has one effect. The
// window is cut to half a second here; the oracles are the upstream, the callers, and a NATS client of another maker.
import assert from 'node:assert/strict';
import http from 'node:http';
import net from 'node:net';
import { nanos } from '@nats-io/transport-node';
import { jetstreamManager } from '@nats-io/jetstream';
import { join } from './bus_client.mjs';
import { freePort, request, Stack } from './stack.mjs';
import { runSuite } from './suite.mjs';
import { pause, until } from './waiting.mjs';

const WINDOW_MS = 500;
const stack = new Stack('fluxrig-window-');

// Between a rack and the server. Held: what the rack sends still passes, what the server says does not.
class OneWay {
  links = new Set();

  async listen(target) {
    this.server = net.createServer((rack) => {
      const server = net.connect(target, '127.0.0.1');
      const link = { rack, server };
      this.links.add(link);
      for (const [from, to] of [[rack, server], [server, rack]]) {
        from.on('error', () => {});
        from.on('close', () => { this.links.delete(link); to.destroy(); });
        from.on('data', (bytes) => to.write(bytes));
      }
    });
    this.port = await freePort();
    await new Promise((done) => this.server.listen(this.port, '127.0.0.1', done));
  }
  hold() { for (const { server } of this.links) server.pause(); }
  cut() { for (const { rack, server } of this.links) { rack.resetAndDestroy(); server.resetAndDestroy(); } }
  close() { this.cut(); this.server?.close(); }
}

const edgeWay = new OneWay();
const hostWay = new OneWay();
const asked = []; // numbers, in the order in which the upstream got them
let atUpstream = () => {};
const upstream = http.createServer((message, answer) => {
  const parts = [];
  message.on('data', (part) => parts.push(part));
  message.on('end', () => {
    asked.push(Number(JSON.parse(Buffer.concat(parts).toString()).number));
    atUpstream();
    answer.writeHead(200, { 'content-type': 'application/json' });
    answer.end('{"approved":true}');
  });
});

let peer;
let manager;
const copies = new Map(); // what was published on flux.msg.>: Nats-Msg-Id to how often
async function listenIn() {
  peer = await join(stack);
  manager = await jetstreamManager(peer);
  peer.subscribe('flux.msg.>', { callback: (_, message) => {
    const id = message.headers?.get('Nats-Msg-Id');
    if (id) copies.set(id, (copies.get(id) ?? 0) + 1);
  } });
  await manager.streams.update('FLUX_MSG', { duplicate_window: nanos(WINDOW_MS) });
}
const stored = async () => (await manager.streams.info('FLUX_MSG')).state.last_seq;
const settled = async (consumer) => {
  const { num_ack_pending, num_pending } = await manager.consumers.info('FLUX_MSG', consumer);
  return num_ack_pending === 0 && num_pending === 0;
};

const post = (path, number) => request(`http://127.0.0.1:${stack.ports.shop}${path}`, { body: JSON.stringify({ number }) });
const times = (number) => asked.filter((one) => one === number).length;

await runSuite([
  ['a stream with a duplicate window of half a second', async () => {
    await stack.prepare({});
    stack.ports.upstream = await new Promise((done) => upstream.listen(0, '127.0.0.1', () => done(upstream.address().port)));
    await edgeWay.listen(stack.ports.nats);
    await hostWay.listen(stack.ports.nats);
    const head = (rack, way) => `rack: ${rack}\nmixer: { address: "nats://127.0.0.1:${way.port}", certificates: ${stack.pki} }\n`
      + `data: ${stack.path(rack)}\ntelemetry: { metrics: { interval: 1s } }\n`;
    stack.writeScenario('edge', `${head('edge', edgeWay)}gears:
  shop: { type: http_server, listen: "127.0.0.1:${stack.ports.shop}", routes: [ { path: /ask, method: POST }, { path: /tell, method: POST } ] }
  pick: { type: route, field: url.path, cases: [ { equals: /ask, to: ask } ], default: tell }
  ask:  { type: bus_out, reply_timeout: 10s }
  tell: { type: bus_out, reply: false, reply_timeout: 1s }
wires: [ shop -> pick, pick.ask -> ask, pick.tell -> tell ]
`);
    stack.writeScenario('host', `${head('host', hostWay)}gears:
  asked: { type: bus_in, from: edge.ask }
  told:  { type: bus_in, from: edge.tell }
  out:   { type: http_client, url: "http://127.0.0.1:${stack.ports.upstream}", path: /, method: POST }
  out2:  { type: http_client, url: "http://127.0.0.1:${stack.ports.upstream}", path: /, method: POST }
wires: [ asked -> out, told -> out2 ]
`);
    await stack.startMixer();
    for (const rack of ['host', 'edge']) await stack.startRack(rack);
    await listenIn();
    assert.equal((await manager.streams.info('FLUX_MSG')).config.duplicate_window, nanos(WINDOW_MS));
    assert.equal((await post('/ask', 1)).status, 200);
    assert.equal((await post('/tell', 2)).status, 200);
    await until('both are done', () => times(1) === 1 && times(2) === 1);
  }],
  ['a reply that is published again after the window answers nobody twice and runs nothing twice', async () => {
    const before = await stored();
    atUpstream = () => hostWay.hold(); // the request is there; the acknowledgement of its reply will not come
    assert.equal((await post('/ask', 3)).status, 200, 'the reply reached the stream');
    atUpstream = () => {};
    assert.equal(await stored(), before + 2, 'a request and its reply');
    await pause(WINDOW_MS * 2);
    hostWay.cut();
    await until('the reply stands in the stream twice', async () => (await stored()) === before + 3, 40_000);
    assert.equal([...copies.values()].filter((count) => count > 1).length, 1);
    await until('the host has settled the request', () => settled('host__asked'), 40_000);
    assert.equal(times(3), 1);
  }],
  ['a message without reply that is published again after the window is done once', async () => {
    const before = await stored();
    copies.clear();
    edgeWay.hold();
    assert.equal((await post('/tell', 4)).status, 200, 'kept by the spool when no acknowledgement came');
    await until('it was done', () => times(4) === 1);
    await pause(WINDOW_MS * 2);
    edgeWay.cut();
    await until('it stands in the stream twice', async () => (await stored()) >= before + 2, 40_000);
    assert.equal(Math.max(...copies.values()), 2);
    await until('the host has settled both', () => settled('host__told'), 40_000);
    assert.equal(times(4), 1);
  }],
  ['afterwards both ways work, nothing is a dead letter, and each transaction is stored once', async () => {
    // Until edge is connected again it refuses what it could not ask.
    await until('edge asks again', async () => (await post('/ask', 5)).status === 200);
    assert.equal((await post('/tell', 6)).status, 200);
    await until('both are done', () => times(5) === 1 && times(6) === 1);
    const counts = () => stack.rows("SELECT rack, count(*) AS n, count(DISTINCT flux_id) AS ids FROM transactions WHERE outcome = 'answered' GROUP BY rack ORDER BY rack");
    await until('six of each rack are stored', async () => {
      assert.deepEqual(await counts(), [{ rack: 'edge', n: 6, ids: 6 }, { rack: 'host', n: 6, ids: 6 }]);
      return true;
    });
    assert.equal(await stack.number("SELECT count(*) FROM transactions WHERE outcome <> 'answered' AND rack = 'host'"), 0);
    assert.match(stack.must(['dlq', 'ls']), /no dead letters/);
    assert.deepEqual(asked, [1, 2, 3, 4, 5, 6]);
  }],
], async () => {
  await peer?.close();
  edgeWay.close();
  hostWay.close();
  upstream.close();
  await stack.close();
});
