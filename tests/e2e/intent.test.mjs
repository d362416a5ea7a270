#!/usr/bin/env node
// Intent before effect: the rack is killed under load, again and again; what the other side was asked is exactly the
// outcomes and those in doubt. The oracle is the other side's own list.
import assert from 'node:assert/strict';
import http from 'node:http';
import { readFileSync, writeFileSync } from 'node:fs';
import { runSuite, until } from './suite.mjs';
import { fluxrig, freePort, Stack } from './stack.mjs';

const kills = 8;
const stack = new Stack();
const asked = new Map();  // flux_id: how often
const doubted = new Set();
let bank;

const doubt = (...more) => {
  const done = stack.run(['audit', 'doubt', stack.path('edge'), '--json', ...more]);
  const list = JSON.parse(done.out).doubt;
  assert.equal(done.code, list.some((entry) => entry.state !== 'in_flight') ? 3 : 0, done.err + done.out.slice(0, 500));
  return list;
};

async function startBank() {
  bank = http.createServer((request, response) => {
    const id = request.headers['flux-id'];
    asked.set(id, (asked.get(id) ?? 0) + 1);
    request.resume();
    // Some are always on their way when the rack is killed.
    setTimeout(() => response.end('{"approved":true}'), Math.random() * 20);
  });
  await new Promise((resolve) => bank.listen(0, '127.0.0.1', resolve));
}

await runSuite([
  ['traffic flows through a rack with intent: commit', async () => {
    await startBank();
    const port = await freePort();
    writeFileSync(stack.path('body.json'), '{}');
    stack.writeScenario('edge', `rack: edge\ndata: ${stack.path('edge')}\ntelemetry: { audit: { durability: commit, intent: commit } }\ngears:
  shop: { type: http_server, listen: "127.0.0.1:${port}", routes: [ { path: /authorize, method: POST } ] }
  bank: { type: http_client, url: "http://127.0.0.1:${bank.address().port}/" }\nwires: [ shop -> bank ]\n`);
    await stack.startRack('edge', { welcomed: false });
    stack.spawn('load', fluxrig, ['load', 'http', `http://127.0.0.1:${port}/authorize`, '--method', 'POST', '--body', stack.path('body.json'),
      '--connections', '32', '--rate', '400', '--duration', '140s', '--timeout', '5s', '--allow-errors', '--quiet', '--ledger', stack.path('ledger.tsv')]);
    await until('the bank is asked', () => asked.size > 100, 30_000);
  }],
  ['while it runs nothing is in doubt, and what is in flight says so', async () => {
    assert.deepEqual(doubt(), []);
    for (const entry of doubt('--all')) assert.equal(entry.state, 'in_flight');
  }],
  [`${kills} times: killed under load, its directory says what is in doubt`, async () => {
    for (let round = 1; round <= kills; round += 1) {
      const before = asked.size;
      await until('the bank is asked again', () => asked.size > before + 60, 30_000);
      assert.equal((await stack.stop('edge', 'SIGKILL')).signal, 'SIGKILL');
      for (const entry of doubt()) {
        assert.equal(entry.state, 'in_doubt');
        assert.equal(entry.gear, 'bank');
        assert.equal(entry.rack, 'edge');
        doubted.add(entry.flux_id);
      }
      await stack.startRack('edge', { welcomed: false });
    }
    assert.ok(doubted.size > 0, 'at 400 a second, something was on its way');
  }],
  ['what the bank was asked is exactly the outcomes and those in doubt', async () => {
    await stack.stop('load', 'SIGINT', 15_000);
    await stack.stop('edge');
    const listed = new Set(doubt().map((entry) => entry.flux_id));
    assert.deepEqual([...listed].sort(), [...doubted].sort(), 'a restart and a clean stop change nothing in it');
    const outcomes = new Map();
    for (const line of stack.must(['wal', 'cat', stack.path('edge')]).trim().split('\n')) {
      const record = JSON.parse(line);
      if (record.record === 'transaction') outcomes.set(record.flux_id, record.outcome);
    }
    for (const id of doubted) assert.ok(!outcomes.has(id), `${id} has an outcome and is in doubt`);
    for (const [id, outcome] of outcomes) if (outcome === 'answered') assert.ok(asked.has(id), `${id} was answered and never asked`);
    for (const [id, times] of asked) assert.equal(times, 1, `${id} was asked ${times} times`);
    const answered = readFileSync(stack.path('ledger.tsv'), 'utf8').trim().split('\n').map((line) => line.split('\t')).filter(([, status]) => status === '200');
    for (const [id] of answered) assert.equal(outcomes.get(id), 'answered', id);
    const settled = [...asked.keys()].filter((id) => outcomes.has(id)).length;
    const open = [...asked.keys()].filter((id) => doubted.has(id)).length;
    console.log(`        asked ${asked.size} = ${settled} with an outcome + ${open} in doubt; ${doubted.size - open} in doubt had not been sent`);
    assert.equal(asked.size, settled + open);
  }],
], async () => {
  bank.closeAllConnections();
  bank.close();
  await stack.close();
});
