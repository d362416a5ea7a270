#!/usr/bin/env node
// SIGKILL of each process under load: whatever was answered with 200 is stored, once.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { runSuite, until } from './suite.mjs';
import { authorization, fluxrig, Stack } from './stack.mjs';

const stack = new Stack();
const sum = () => stack.number("select count(*) from transactions where rack = 'host' and outcome = 'answered'");

// Traffic goes through both racks into the store again.
async function flows(after) {
  let before;
  await until(`transactions are stored again after ${after}`, async () => {
    const now = await sum();
    before ??= now;
    return now >= before + 300;
  }, 30_000);
}

const kill = (name) => async () => {
  assert.equal((await stack.stop(name, 'SIGKILL')).signal, 'SIGKILL');
  if (name === 'mixer') await stack.startMixer();
  else await stack.startRack(name);
  await flows(`the end of ${name}`);
};

let answered;
const flowed = (rows) => new Map(rows.map((row) => [row.flux_id, row]));

await runSuite([
  ['traffic flows', async () => {
    await stack.start();
    writeFileSync(stack.path('body.json'), authorization('{{pan}}'));
    stack.spawn('load', fluxrig, ['load', 'http', `http://127.0.0.1:${stack.ports.shop}/authorize`, '--method', 'POST', '--body-template',
      stack.path('body.json'), '--header', 'content-type: application/json', '--connections', '16', '--rate', '300', '--duration', '120s',
      '--timeout', '8s', '--traceparent', '--allow-errors', '--quiet', '--ledger', stack.path('ledger.tsv')]);
    await flows('the start');
  }],
  ['the edge rack comes back after SIGKILL', kill('edge')],
  ['the host rack comes back after SIGKILL', kill('host')],
  ['the mixer comes back after SIGKILL', kill('mixer')],
  ['nats-server is started again by the mixer after SIGKILL', async () => {
    const before = stack.childrenOf('mixer');
    assert.equal(before.length, 1, 'the mixer has one child, its nats-server');
    process.kill(before[0], 'SIGKILL');
    await until('another nats-server', () => stack.childrenOf('mixer').some((pid) => pid !== before[0]));
    await flows('the end of nats-server');
  }],
  ['every request answered with 200 is stored exactly once by the edge rack', async () => {
    await stack.stop('load', 'SIGINT', 15_000);
    const lines = readFileSync(stack.path('ledger.tsv'), 'utf8').trim().split('\n').map((line) => line.split('\t'));
    answered = lines.filter(([, status]) => status === '200').map(([id]) => id);
    assert.ok(answered.length > 1500, `${answered.length} of ${lines.length} were answered`);
    assert.equal(new Set(answered).size, answered.length, 'no flux_id twice in the ledger');
    console.log(`        ${answered.length} answered with 200, ${lines.length - answered.length} otherwise`);
    let missing;
    await until('all answered requests are stored', async () => {
      const stored = flowed(await stack.rows("select distinct flux_id from transactions where rack = 'edge'"));
      missing = answered.filter((id) => !stored.has(id));
      if (missing.length) throw new Error(`${missing.length} missing, such as ${missing[0]}`);
      return true;
    }, 60_000);
    const copies = flowed(await stack.rows("select flux_id, count(*) as copies, max(outcome) as outcome from transactions where rack = 'edge' group by flux_id"));
    for (const id of answered) {
      assert.equal(Number(copies.get(id).copies), 1, id);
      assert.equal(copies.get(id).outcome, 'answered', id);
    }
  }],
  ['each of them is stored exactly once by the host rack, found by the message\'s own keys', async () => {
    const keys = "attributes['iso8583.7'] || '/' || attributes['iso8583.11'] || '/' || attributes['iso8583.37']";
    const edge = flowed(await stack.rows(`select flux_id, ${keys} as k from transactions where rack = 'edge'`));
    // A message that was on its way to the mixer when a process died comes again after 30 s: late is not lost.
    await until('the host rack has them all', async () => {
      const rows = await stack.rows(`select ${keys} as k, count(*) as copies from transactions where rack = 'host' and outcome = 'answered' group by all`);
      const host = new Map(rows.map((row) => [row.k, Number(row.copies)]));
      const wrong = answered.filter((id) => host.get(edge.get(id).k) !== 1);
      if (wrong.length) throw new Error(`${wrong.length} wrong, such as ${wrong[0]}: ${host.get(edge.get(wrong[0])?.k)} copies`);
      return true;
    }, 60_000);
  }],
  ['no record is stored twice', async () => {
    const twice = 'select count(*) - count(distinct (machine_id, lane, epoch, seq)) from';
    for (const table of ['transactions', 'child_spans', 'metrics', 'log_records']) {
      const sql = table === 'child_spans' ? `${twice} spans where not is_root` : table === 'log_records'
        ? `${twice} logs where event_name is distinct from 'fluxrig.transaction'` : `${twice} ${table}`;
      assert.equal(await stack.number(sql), 0, table);
    }
    assert.equal(await stack.number('select count(*) from (select flux_id, rack from transactions group by all having count(*) > 1)'), 0);
  }],
  ['no message became a dead letter', async () => {
    const { streams } = await stack.api('/api/v1/status');
    assert.equal(streams.find((stream) => stream.name === 'FLUX_DLQ').messages, 0);
  }],
  ['what is left on the racks\' disks verifies', async () => {
    for (const rack of ['edge', 'host']) {
      assert.equal((await stack.stop(rack)).code, 0);
      assert.ok(JSON.parse(stack.must(['wal', 'verify', '--json', stack.path(rack, 'audit')])).good);
    }
  }],
], () => stack.close());
