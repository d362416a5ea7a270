#!/usr/bin/env node
// Fire and forget over the bus while the bus, the mixer and the rack come and go: what was accepted with 200 arrives
// at the consuming rack once, and in the order in which it was accepted. The ledgers are outside: the caller's, and
// the upstream's behind the consuming rack.
import assert from 'node:assert/strict';
import http from 'node:http';
import { readdirSync, statSync } from 'node:fs';
import { runSuite, until } from './suite.mjs';
import { request, Stack } from './stack.mjs';

const stack = new Stack();
const accepted = []; // numbers, in the order of their 200
const arrived = []; // numbers, in the order in which the upstream got them
let next = 1;
let refused = 0;

const upstream = http.createServer((message, answer) => {
  const parts = [];
  message.on('data', (part) => parts.push(part));
  message.on('end', () => {
    arrived.push(Number(JSON.parse(Buffer.concat(parts).toString()).number));
    answer.writeHead(200, { 'content-type': 'application/json' });
    answer.end('{}');
  });
});

// One after the other: each is accepted before the next one begins.
async function post() {
  const number = next;
  next += 1;
  try {
    const answer = await request(`http://127.0.0.1:${stack.ports.shop}/order`, { body: JSON.stringify({ number }), timeout: 10_000 });
    if (answer.status === 200) accepted.push(number);
    else refused += 1;
    return answer.status;
  } catch {
    refused += 1; // no answer: nothing was promised
    return 0;
  }
}
const postMany = async (count) => {
  for (let i = 0; i < count; i += 1) await post();
};

async function allArrived(milliseconds = 60_000) {
  await until('everything accepted has arrived', () => {
    const there = new Set(arrived);
    const missing = accepted.filter((number) => !there.has(number));
    if (missing.length) throw new Error(`${missing.length} missing of ${accepted.length}, such as ${missing[0]}`);
    return true;
  }, milliseconds);
}

function ordered() {
  const wanted = new Set(accepted);
  const seen = arrived.filter((number) => wanted.has(number));
  assert.equal(new Set(seen).size, seen.length, 'nothing accepted arrived twice');
  for (let i = 1; i < seen.length; i += 1) assert.ok(seen[i] > seen[i - 1], `${seen[i]} came after ${seen[i - 1]}`);
}

const spoolFiles = () => readdirSync(stack.path('edge/spool/send.out')).filter((name) => name.endsWith('.wal'));

await runSuite([
  ['messages are accepted and arrive while everything is there', async () => {
    await stack.prepare({});
    stack.ports.upstream = await new Promise((resolve) => upstream.listen(0, '127.0.0.1', () => resolve(upstream.address().port)));
    const head = (rack) => `rack: ${rack}\nmixer: { address: "nats://127.0.0.1:${stack.ports.nats}", certificates: ${stack.pki} }\ndata: ${stack.path(rack)}\ntelemetry: { metrics: { interval: 1s } }\n`;
    stack.writeScenario('edge', head('edge') + `gears:
  shop: { type: http_server, listen: "127.0.0.1:${stack.ports.shop}", routes: [ { path: /order, method: POST }, { path: /poison, method: POST } ] }
  send: { type: bus_out, reply: false, reply_timeout: 2s }
wires: [ shop -> send ]
`);
    stack.writeScenario('host', head('host') + `gears:
  take:  { type: bus_in, from: edge.send, max_in_flight: 1 }
  pick:  { type: route, field: url.path, cases: [ { equals: /order, to: good } ] }
  out:   { type: http_client, url: "http://127.0.0.1:${stack.ports.upstream}", path: /orders, method: POST }
wires: [ take -> pick, pick.good -> out ]
`);
    await stack.startMixer();
    for (const rack of ['host', 'edge']) await stack.startRack(rack);
    await postMany(20);
    assert.equal(accepted.length, 20);
    await allArrived();
    ordered();
  }],
  ['with the bus away messages are accepted from the spool', async () => {
    await stack.stop('mixer', 'SIGKILL');
    const before = accepted.length;
    await postMany(200);
    assert.equal(accepted.length - before, 200, `${refused} refused`);
    assert.equal(statSync(stack.path('edge/spool')).mode & 0o777, 0o700);
  }],
  ['SIGKILL of the rack with a spool full of messages loses none', async () => {
    await stack.stop('edge', 'SIGKILL');
    await stack.startRack('edge', { welcomed: false });
    await postMany(50);
    await stack.stop('edge', 'SIGKILL');
    await stack.startRack('edge', { welcomed: false });
    await stack.startMixer();
    await allArrived();
    ordered();
  }],
  ['SIGKILL of nats-server while the spool drains loses none, doubles none, keeps the order', async () => {
    await stack.stop('mixer', 'SIGKILL');
    // Long enough for the metrics to tell of a spool that is not empty.
    for (const end = Date.now() + 2500; Date.now() < end;) await postMany(100);
    await stack.startMixer();
    for (let round = 0; round < 3; round += 1) {
      const [server] = await until('a nats-server', () => stack.childrenOf('mixer').length && stack.childrenOf('mixer'));
      const goal = arrived.length + 20;
      await until('some have arrived', () => arrived.length >= Math.min(goal, accepted.length), 20_000).catch(() => {});
      process.kill(server, 'SIGKILL');
      await postMany(20);
    }
    await allArrived();
    ordered();
  }],
  ['the emptied spool has given its space back, and messages pass it by', async () => {
    await until('one empty segment', () => spoolFiles().length === 1);
    const before = accepted.length;
    await postMany(20);
    assert.equal(accepted.length - before, 20);
    await allArrived();
    ordered();
    assert.equal(spoolFiles().length, 1);
  }],
  ['the spool\'s depth was told as a metric, and stands in the heartbeat', async () => {
    const depth = (what) => stack.number(`SELECT coalesce(${what}, -1) FROM metrics WHERE name = 'fluxrig.spool.messages' AND rack = 'edge' AND type = 'gauge'`);
    // The figures of the outage wait in the rack's backlog, which trickles in beside what is live.
    await until('a depth of some and then of none is stored', async () => (await depth('max(value)')) >= 100 && (await depth('arg_max(value, time)')) === 0, 60_000);
    await until('the heartbeat says so', async () => {
      const { racks } = await stack.api('/api/v1/racks');
      return racks.find(({ rack }) => rack === 'edge').status.spool.messages === 0;
    });
  }],
  ['a message that the other rack rejects becomes a dead letter: ls, show, retry, drop', async () => {
    for (let i = 0; i < 2; i += 1)
      assert.equal((await request(`http://127.0.0.1:${stack.ports.shop}/poison`, { body: '{"secret":"4532015112830366"}' })).status, 200);
    const list = () => stack.must(['dlq', 'ls', '--json']).trim().split('\n').filter(Boolean).map((line) => JSON.parse(line));
    const letters = await until('two dead letters', () => list().length === 2 && list());
    assert.deepEqual(letters.map(({ consumer, reason }) => [consumer, reason]), Array(2).fill(['host__take', 'terminated']));
    const shown = stack.must(['dlq', 'show', String(letters[0].sequence)]);
    assert.match(shown, /flux\.msg\.edge\.send\.out/);
    assert.doesNotMatch(shown + JSON.stringify(letters), /secret|4532015112830366/);
    // Rejected again: another dead letter in its place, under a new request.
    stack.must(['dlq', 'retry', String(letters[0].sequence), '--by', 'ana', '--reason', 'INC-4711']);
    const again = await until('it is back', () => list().length === 2 && list());
    assert.equal(again[1].flux_id, letters[0].flux_id);
    assert.notEqual(again[1].request, letters[0].request);
    assert.equal(stack.run(['dlq', 'drop', '--all']).code, 2, 'without a terminal it wants --yes');
    stack.must(['dlq', 'drop', '--all', '--yes']);
    assert.equal(list().length, 0);
    assert.equal(stack.run(['dlq', 'show', '1']).code, 1);
    assert.match(stack.log('mixer'), /a dead letter was tried again by an operator/);
    const actions = await stack.rows('SELECT action, who, reason, detail FROM operator_actions ORDER BY time');
    assert.deepEqual(actions.map(({ action }) => action), ['dead_letter_retried', 'dead_letter_dropped', 'dead_letter_dropped']);
    assert.deepEqual([actions[0].who, actions[0].reason], ['ana', 'INC-4711']);
    assert.match(actions[1].who, /@/);
    assert.equal(JSON.parse(actions[0].detail).flux_id, letters[0].flux_id);
  }],
  ['every message was accepted or answered with a refusal', async () => {
    assert.equal(accepted.length + refused, next - 1);
    console.log(`        ${accepted.length} accepted, ${refused} refused, ${arrived.length} arrived`);
  }],
], async () => {
  upstream.close();
  await stack.close();
});
