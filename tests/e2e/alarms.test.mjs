#!/usr/bin/env node
// Alarms that stay until a person decides: a rack that lost its signing key, then its whole directory. Closed and accepted
// with the client commands, kept with who and why, still there after a restart of the mixer.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { decode, Encoder } from 'cbor-x';
import { joinAs } from './bus_client.mjs';
import { authorization, Stack } from './stack.mjs';
import { runSuite, until } from './suite.mjs';

const stack = new Stack('fluxrig-alarms-');
const alarms = (...words) => JSON.parse(stack.must(['audit', 'alarms', '--json', ...words])).alarms;
const open = () => alarms('--open').map(({ kind }) => kind).sort();
async function pay(count = 3) {
  for (let i = 0; i < count; i += 1) assert.equal((await stack.shop(authorization('4532015112830366'))).status, 200);
}
// As the help of accept-key says.
const keyOf = (rack) => execFileSync('openssl', ['pkey', '-in', stack.path(`${rack}/audit.key`), '-pubout', '-outform', 'DER'])
  .subarray(-32).toString('hex');
// With the rack's own certificate: it is answered at the rack's own inbox only.
async function hello(machine, { epoch, before }) {
  const said = new Encoder({ useTag259ForMaps: false })
    .encode(new Map([[0, 1], [1, 'host'], [2, '0.1.0'], [3, epoch], [4, []], [6, before]]));
  const { connection: bus, machine: own } = await joinAs(stack, 'host');
  assert.equal(own, machine);
  try {
    const answer = await bus.request(`flux.agent.hello.${machine}`, said, { timeout: 5_000 });
    assert.equal(decode(answer.data)[1], '', 'a welcome');
  } finally {
    await bus.close();
  }
}
const signed = () => until('all of edge is signed', () => /edge +ok/.test(stack.run(['audit', 'status']).out), 30_000);

await runSuite([
  ['a rack whose signing key was lost raises key_changed', async () => {
    await stack.start();
    await pay();
    await signed();
    await stack.stop('edge');
    rmSync(stack.path('edge/audit.key'));
    await stack.startRack('edge');
    await pay();
    await until('the alarm', () => open().includes('key_changed'));
    assert.equal(stack.run(['audit', 'status']).code, 3);
    assert.equal(stack.run(['audit', 'verify', '--mixer']).code, 3);
  }],
  ['another key than the rack\'s cannot be accepted, and nothing without a reason', async () => {
    const [{ id, what }] = alarms('--open').filter(({ kind }) => kind === 'key_changed');
    assert.match(what, new RegExp(keyOf('edge')));
    const wrong = stack.run(['audit', 'accept-key', String(id), '--key', 'ab'.repeat(32), '--reason', 'x']);
    assert.equal(wrong.code, 1);
    assert.match(wrong.err, /tells of this key/);
    assert.equal(stack.run(['audit', 'accept-key', String(id), '--key', keyOf('edge')]).code, 2);
    assert.ok(open().includes('key_changed'));
  }],
  ['the rack\'s key is accepted, the rest is closed, and the rack is in order again', async () => {
    for (const { id, kind } of alarms('--open').filter(({ kind: one }) => one === 'key_changed'))
      assert.match(stack.must(['audit', 'accept-key', String(id), '--key', keyOf('edge'), '--reason', `${kind}: disk replaced`, '--by', 'ana']), /the key is accepted/);
    await pay();
    await until('nothing was signed with another key since', () => {
      for (const { id, kind } of alarms('--open')) {
        assert.equal(kind, 'bad_signature');
        stack.must(['audit', 'alarms', '--close', String(id), '--reason', 'signed with the key that was accepted']);
      }
      return open().length === 0 && /edge +ok/.test(stack.run(['audit', 'status']).out);
    }, 30_000);
    assert.match(stack.must(['audit', 'verify', '--mixer']), /no gap/);
    const records = (...words) => JSON.parse(stack.must(['audit', 'verify', '--mixer', '--json', '--rack', 'edge', ...words])).machines
      .reduce((sum, one) => sum + one.records, 0);
    // Records go on arriving while the three commands run one after the other.
    const before = records();
    const lastHour = records('--since', '1h');
    assert.ok(before > 0 && before <= lastHour && lastHour <= records(), `${before} of all, then ${lastHour} of the last hour`);
    assert.equal(records('--until', '1h'), 0, 'of an hour ago nothing is there');
    stack.must(['audit', 'export', '--mixer', '-o', stack.path('all.audit')]);
    stack.must(['audit', 'verify', stack.path('all.audit')]);
  }],
  ['a rollback that was closed is not told again, stays listed, and a verifier still finds it', async () => {
    await stack.stop('edge');
    rmSync(stack.path('edge'), { recursive: true });
    await stack.startRack('edge');
    await pay();
    await until('both alarms', () => open().includes('rollback') && open().includes('key_changed'));
    for (const { id, kind } of alarms('--open')) {
      if (kind === 'key_changed') stack.must(['audit', 'accept-key', String(id), '--key', keyOf('edge'), '--reason', 'set up anew']);
      else stack.must(['audit', 'alarms', '--close', String(id), '--reason', 'disk of edge replaced, INC-4711', '--by', 'ana@ops']);
    }
    await stack.stop('mixer');
    await stack.startMixer();
    await until('payments pass again', async () => (await stack.shop(authorization('4532015112830366'))).status === 200);
    await until('only signatures of the time between are open', () => {
      for (const { id, kind } of alarms('--open')) {
        assert.equal(kind, 'bad_signature');
        stack.must(['audit', 'alarms', '--close', String(id), '--reason', 'as before']);
      }
      return stack.run(['audit', 'status']).code === 0;
    }, 30_000);
    const closed = alarms('--all').find(({ kind }) => kind === 'rollback');
    assert.deepEqual([closed.closed_by, closed.close_reason], ['ana@ops', 'disk of edge replaced, INC-4711']);
    assert.ok(closed.resolved_at);
    assert.match(stack.must(['audit', 'alarms']), /closed by ana@ops: disk/);
    assert.equal(stack.run(['audit', 'verify', '--mixer']).code, 3);
    assert.ok(await stack.number("SELECT count(*) FROM operator_actions WHERE action = 'key_accepted'") >= 2);
  }],
  ['a rollback that only a hello told is found by a verifier of the store', async () => {
    const verify = () => stack.run(['audit', 'verify', '--mixer', '--rack', 'host']);
    assert.equal(verify().code, 0, verify().out);
    const { epochs } = await stack.api('/api/v1/audit/heads?rack=host');
    const { machine_id: machine, epoch } = epochs.at(-1);
    // A start of which nothing else ever arrived, and then the directory from before it.
    await stack.stop('host');
    await hello(machine, { epoch: epoch + 1, before: epoch });
    await stack.startRack('host');
    await until('the alarm', () => alarms('--open').some(({ rack, kind }) => rack === 'host' && kind === 'rollback'));
    const found = verify();
    assert.equal(found.code, 3);
    assert.match(found.out, /^host .*: rollback at epoch \d+, sequence 1: the mixer saw: .*epoch \d+ said hello: an older copy/);
  }],
], async () => {
  await stack.close();
});
