#!/usr/bin/env node
// The production guard on real processes: debug diagnostics from nowhere but a broken glass, which is recorded at both
// ends, shown, and ends by itself, over a kill -9 too; and no core dump.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join as joinPath } from 'node:path';
import { runSuite, until } from './suite.mjs';
import { join, joinAs } from './bus_client.mjs';
import { authorization, freePort, Stack } from './stack.mjs';

const stack = new Stack();
const events = (name) => stack.rows(`select body, attributes from log_records where event_name = '${name}'`);
const debug = (...words) => stack.run(['rack', 'debug', ...words]);

await runSuite([
  ['rack and mixer write no core dump and cannot be read by others', async () => {
    await stack.start();
    for (const name of ['edge', 'host', 'mixer']) {
      const { pid } = stack.processes.get(name).child;
      assert.match(readFileSync(`/proc/${pid}/limits`, 'utf8'), /Max core file size\s+0\s/, name);
    }
  }],
  ['debug is refused from file and environment, and nothing starts', async () => {
    const scenario = stack.path('refused.yaml');
    writeFileSync(scenario, readFileSync(stack.scenarios.get('edge'), 'utf8').replace('gears:', 'log: { level: debug }\ngears:'));
    const file = stack.run(['rack', scenario]);
    assert.equal(file.code, 2);
    assert.match(file.err, /profile: production refuses debug diagnostics/);
    assert.match(file.err, /fluxrig rack debug RACK --reason/);
    const variable = stack.run(['rack', stack.scenarios.get('edge')], { env: { FLUXRIG_LOG_LEVEL: 'debug' } });
    assert.equal(variable.code, 2);
    const profile = stack.run(['rack', stack.scenarios.get('edge')], { env: { FLUXRIG_PROFILE: 'development', FLUXRIG_LOG_LEVEL: 'debug' } });
    assert.equal(profile.code, 2);
    assert.match(profile.err, /the profile is set in the scenario only/);
  }],
  ['SIGHUP brings neither debug nor another profile into a running rack', async () => {
    const file = stack.scenarios.get('edge');
    const text = readFileSync(file, 'utf8');
    writeFileSync(file, text.replace('gears:', 'profile: development\nlog: { level: debug }\ngears:'));
    stack.processes.get('edge').child.kill('SIGHUP');
    await stack.waitLog('edge', 'the profile is not changed by SIGHUP');
    writeFileSync(file, text);
  }],
  ['the glass needs a reason and at most an hour', async () => {
    assert.equal(debug('edge', 'on', '--for', '10m').code, 2);
    assert.equal(debug('edge', 'on', '--for', '2h', '--reason', 'x').code, 2);
    assert.equal(debug('edge', 'on', '--reason', 'x').code, 2);
  }],
  ['broken, it is shown, recorded at both ends, and goes on over kill -9', async () => {
    const done = debug('edge', 'on', '--for', '8s', '--reason', 'INC-42 4111111111111111');
    assert.equal(done.code, 0, done.err);
    await until('the racks show it', () => /DEBUG: rack edge writes debug diagnostics until/.test(stack.must(['racks'])), 12_000);
    await stack.stop('edge', 'SIGKILL');
    await stack.startRack('edge');
    await stack.waitLog('edge', 'debug diagnostics go on after a restart');
    const kept = await stack.rows("select who, reason, detail from operator_actions where action = 'debug'");
    assert.equal(kept.length, 1);
    assert.equal(kept[0].reason, 'INC-42 411111******1111');
  }],
  ['it ends by itself, and both ends are in the audit trail', async () => {
    await stack.waitLog('edge', 'debug diagnostics ended: its time is over', 15_000);
    await until('the end is stored', async () => (await events('fluxrig.debug.ended')).length === 1);
    assert.equal((await events('fluxrig.debug.begun')).length, 1);
    const commands = (await events('fluxrig.control.command')).map((row) => row.attributes);
    assert.equal(commands.length, 1);
    assert.ok(JSON.stringify(commands).includes('INC-42 411111******1111'), JSON.stringify(commands));
    await until('the racks show it no more', () => !/DEBUG:/.test(stack.must(['racks'])), 12_000);
  }],
  ['the token of a number is shown once the mixer has recorded who asked, and why', async () => {
    const token = (...words) => spawnSync(stack.fluxrig, ['token', '--key', joinPath(stack.pki, 'token.key'), '--reason', 'INC-43 4111111111111111', ...words],
      { input: '4111 1111 1111 1111\n', encoding: 'utf8', env: { ...process.env, ...stack.environment() }, timeout: 20_000 });
    const made = token();
    assert.equal(made.status, 0, made.stderr);
    assert.match(made.stdout, /^tok_k1_[a-z]{32}\n$/);
    const kept = await stack.rows("select reason, detail from operator_actions where action = 'token_made'");
    assert.deepEqual(kept, [{ reason: 'INC-43 411111******1111', detail: JSON.stringify({ token: made.stdout.trim() }) }]);
    const alone = token('--mixer', `http://127.0.0.1:${await freePort()}`);
    assert.equal(alone.status, 1);
    assert.equal(alone.stdout, '', 'no record, no token');
    assert.equal(token('--mixer', 'http://127.0.0.1:1', '--local').stdout, made.stdout);
  }],
  ['a hello is answered to the rack that said it, and to nobody else', async () => {
    const everywhere = await join(stack);
    const { connection, machine } = await joinAs(stack, 'edge');
    const steered = everywhere.subscribe('_INBOX_victim.>');
    await everywhere.flush();
    connection.publish(`flux.agent.hello.${machine}`, 'no hello', { reply: '_INBOX_victim.1' });
    const answer = await connection.request(`flux.agent.hello.${machine}`, 'no hello', { timeout: 10_000 });
    assert.match(Buffer.from(answer.data).toString('latin1'), /the hello is not understood/);
    await everywhere.flush();
    assert.equal(steered.getReceived(), 0);
    await connection.close();
    await everywhere.close();
  }],
  ['a rack takes its keys from a command, and from no file then', async () => {
    const edge = stack.scenarios.get('edge');
    const text = readFileSync(edge, 'utf8');
    renameSync(joinPath(stack.pki, 'token.key'), stack.path('vault.key'));
    const start = (command) => writeFileSync(edge, text.replace('gears:', `keys: { command: ${JSON.stringify(command)} }\ngears:`));
    await stack.stop('edge');
    start(['/bin/sh', '-c', 'echo no 4111111111111111 >&2; exit 7']);
    const refused = stack.run(['rack', edge]);
    assert.notEqual(refused.code, 0);
    assert.match(refused.err, /keys: '\/bin\/sh' ended with exit code 7: no 411111\*+1111/);
    start(['cat', stack.path('vault.key')]);
    await stack.startRack('edge');
    assert.equal((await stack.shop(authorization('4111111111111111'))).status, 200, 'what the host sealed with the file opens');
    renameSync(stack.path('vault.key'), joinPath(stack.pki, 'token.key'));
  }],
], () => stack.close());
