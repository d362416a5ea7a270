#!/usr/bin/env node
// The telemetry's ledger over real processes: the mixer stands still while traffic goes on, so that the racks keep their
// telemetry on disk; afterwards produced = stored + dropped for every rack, hour and signal, asked at the mixer, and what the
// mixer counts is what its own tables hold. A rack that is killed is shown as such.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { runSuite, until } from './suite.mjs';
import { authorization, fluxrig, Stack } from './stack.mjs';

const stack = new Stack();

function ledger(...more) {
  const done = stack.run(['audit', 'ledger', '--json', ...more]);
  assert.ok(done.code === 0 || done.code === 3, done.err);
  const answer = JSON.parse(done.out);
  assert.equal(done.code, answer.exact ? 0 : 3);
  return answer;
}

function rows(sql) {
  return JSON.parse(stack.must(['query', sql, '--json'])).rows;
}

const backlogBytes = () => readdirSync(stack.path('edge', 'telemetry')).filter((name) => name.endsWith('.wal'))
  .reduce((sum, name) => sum + readFileSync(stack.path('edge', 'telemetry', name)).toString('latin1').replace(/\0+$/, '').length, 0);
const total = (list, name) => list.reduce((sum, row) => sum + (row[name] ?? 0), 0);
const of = (list, rack, signal) => list.filter((row) => row.rack === rack && row.signal === signal);

await runSuite([
  ['traffic flows, and the first statements come', async () => {
    await stack.start();
    writeFileSync(stack.path('body.json'), authorization('4539148803436467'));
    stack.spawn('load', fluxrig, ['load', 'http', `http://127.0.0.1:${stack.ports.shop}/authorize`, '--method', 'POST', '--body', stack.path('body.json'),
      '--connections', '64', '--rate', '300', '--duration', '120s', '--timeout', '10s', '--allow-errors', '--quiet']);
    await until('a statement of edge', () => of(ledger().ledger, 'edge', 'spans').some((row) => row.produced > 0), 30_000);
  }],
  ['while the mixer stands still the rack keeps its telemetry on disk', async () => {
    const before = total(of(ledger().ledger, 'edge', 'spans'), 'stored');
    stack.processes.get('mixer').child.kill('SIGSTOP');
    try {
      // The backlog's segments have a header from the start; its records come in DIVERT.
      await until('a backlog on the disk of edge', () => backlogBytes() > 100_000, 60_000);
    } finally {
      stack.processes.get('mixer').child.kill('SIGCONT');
    }
    // Its heartbeat from before says that all is well.
    await until('the mixer hears that edge diverted', async () => {
      const { racks } = await stack.api('/api/v1/racks');
      return racks.find(({ rack }) => rack === 'edge').pressure.state !== 'normal';
    }, 30_000);
    await until('more is stored', () => total(of(ledger().ledger, 'edge', 'spans'), 'stored') > before, 30_000);
  }],
  ['the racks hand over the rest and stop in good order', async () => {
    await stack.stop('load', 'SIGTERM');
    // Both lanes trickle inside the mixer's budget; what is left at the end of a rack waits for its next start.
    await until('both racks have sent their backlog', async () => {
      const { racks } = await stack.api('/api/v1/racks');
      return racks.length === 2 && racks.every(({ pressure }) => pressure?.state === 'normal' && pressure.backlog_bytes === 0);
    }, 90_000);
    for (const rack of ['edge', 'host']) await stack.stop(rack, 'SIGTERM', 40_000);
    await until('everything is stored', () => {
      const { ledger: list } = ledger();
      return list.every((row) => row.state === 'final' || row.state === 'closed') && total(list, 'waiting') === 0;
    }, 30_000);
  }],
  ['every hour and signal is exact', () => {
    const { ledger: list, exact } = ledger();
    assert.ok(exact, JSON.stringify(list));
    for (const row of list)
      assert.equal(row.produced, row.stored + Object.values(row.dropped).reduce((a, b) => a + b, 0), JSON.stringify(row));
    for (const rack of ['edge', 'host'])
      for (const signal of ['spans', 'metrics']) assert.ok(total(of(list, rack, signal), 'stored') > 0, `${rack} ${signal}`);
  }],
  ['what the mixer counts is what its tables hold', () => {
    const { ledger: list } = ledger();
    for (const [signal, table] of [['spans', 'child_spans'], ['metrics', 'metrics']])
      for (const [rack, held] of rows(`SELECT rack, count(*) FROM ${table} WHERE lane = 'telemetry' GROUP BY rack`))
        assert.equal(total(of(list, rack, signal), 'stored'), Number(held), `${rack} ${signal}`);
  }],
  ['one hour and one rack can be asked for, and the table says the same', () => {
    const { ledger: list } = ledger('edge', '--hour', of(ledger().ledger, 'edge', 'spans')[0].hour);
    assert.ok(list.length > 0 && list.every((row) => row.rack === 'edge'));
    const table = stack.run(['audit', 'ledger', 'edge']);
    assert.equal(table.code, 0, table.err);
    assert.match(table.out, /exact: produced = stored \+ dropped \+ waiting/);
  }],
  ['a rack that is killed is shown as such, and the exit code says so', async () => {
    await stack.startRack('edge');
    await until('the new epoch has telemetry', () => ledger('edge').ledger.some((row) => row.state === 'running' && row.stored > 0), 30_000);
    await stack.stop('edge', 'SIGKILL');
    await stack.startRack('edge');
    await until('the dead epoch is known as such', () => ledger('edge').ledger.some((row) => row.state === 'unfinished'), 30_000);
    const { ledger: list, exact } = ledger('edge');
    assert.equal(exact, false);
    for (const row of list.filter((row) => row.state === 'unfinished')) assert.equal(row.unaccounted, null);
    assert.match(stack.run(['audit', 'ledger', 'edge']).out, /ended without its last statement/);
  }],
], () => stack.close());
