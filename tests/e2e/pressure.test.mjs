#!/usr/bin/env node
// An operator holds a rack in a state over the mixer's API; the rack goes on serving, keeps its telemetry, and comes back by itself.
import assert from 'node:assert/strict';
import { authorization, Stack } from './stack.mjs';
import { runSuite, until } from './suite.mjs';

const stack = new Stack();
const state = async () => (await stack.api('/api/v1/racks')).racks.find(({ rack }) => rack === 'edge').pressure?.state;
const answered = [];
const ask = async () => {
  const answer = await stack.shop(authorization('4111111111111111'));
  assert.equal(answer.status, 200);
  answered.push(answer.headers['flux-id']);
};
const stored = async (ids) => stack.number(`select count(distinct flux_id) from transactions where rack = 'edge' and flux_id in (${ids.map((id) => `'${id}'`)})`);

await runSuite([
  ['a rack tells its state', async () => {
    await stack.start();
    await ask();
    await until('a heartbeat with its state', async () => (await state()) === 'normal');
  }],
  ['a command without a reason, or for too long, is refused', async () => {
    for (const words of [['--for', '1m'], ['--for', '25h', '--reason', 'x']]) {
      const done = stack.run(['rack', 'pressure', 'edge', 'divert', ...words]);
      assert.notEqual(done.code, 0);
      assert.match(done.err + done.out, words.length === 2 ? /reason/ : /24 h|24h|hours/);
    }
  }],
  ['in DIVERT the rack serves, and its records stay on its disk', async () => {
    stack.must(['rack', 'pressure', 'edge', 'divert', '--for', '9s', '--reason', 'a drill']);
    for (let i = 0; i < 10; i += 1) await ask();
    await until('the mixer sees it', async () => (await state()) === 'divert');
    assert.equal(await stored(answered.slice(1)), 0);
  }],
  ['after its time everything is stored, by itself', async () => {
    await until('all are stored', async () => (await stored(answered)) === answered.length, 30_000);
    await until('NORMAL again', async () => (await state()) === 'normal', 20_000);
  }],
  ['who did it, and why, is in the audit lane, and so is each change of the state', async () => {
    const told = () => stack.rows("select event_name, attributes['fluxrig.pressure.from'] as f, attributes['fluxrig.pressure.to'] as t, attributes['fluxrig.pressure.cause'] as c, attributes['fluxrig.control.reason'] as reason " +
      "from logs where rack = 'edge' and (event_name = 'fluxrig.control.command' or event_name = 'fluxrig.pressure.transition') order by time");
    // The heartbeat says NORMAL before the record of it is stored.
    const { rows, steps } = await until('the last change is stored', async () => {
      const found = await told();
      const changes = found.filter((row) => row.event_name.endsWith('transition')).map((row) => `${row.f} ${row.t} ${row.c}`);
      if (!changes.at(-1)?.includes(' normal ')) throw new Error(changes.join(', '));
      return { rows: found, steps: changes };
    });
    assert.ok(steps.includes('normal divert operator'), steps.join(', '));
    const command = rows.find((row) => row.event_name === 'fluxrig.control.command');
    assert.equal(command.reason, 'a drill');
  }],
  ['the chain verifies, nothing counts as missing, and the ledger of the telemetry is exact', async () => {
    stack.must(['audit', 'verify', '--mixer']);
    assert.deepEqual(JSON.parse(stack.must(['audit', 'alarms', '--json'])).alarms ?? [], []);
    for (const rack of ['edge', 'host']) assert.equal((await stack.stop(rack)).code, 0);
    await until('the ledger is exact', () => stack.run(['audit', 'ledger']).code === 0, 30_000);
  }],
], () => stack.close());
