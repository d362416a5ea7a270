#!/usr/bin/env node
// The bus refuses who has no certificate of the authority, and lets a rack speak for itself only.
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { runSuite, until } from './suite.mjs';
import { authorization, root, Stack } from './stack.mjs';

const stack = new Stack();
const machines = {};

function peer(check, name, more = []) {
  const done = stack.run([join(root, 'tests/interop/nats_peer.mjs'), check, '--url', `nats://127.0.0.1:${stack.ports.nats}`,
    '--ca', join(stack.pki, 'ca.crt'), '--cert', join(stack.pki, `${name}.crt`), '--key', join(stack.pki, `${name}.key`), ...more],
  { program: process.execPath, timeout: 60_000 });
  assert.equal(done.code, 0, done.out + done.err);
  return JSON.parse(done.out);
}

await runSuite([
  ['a client without a certificate is refused by the server', async () => {
    await stack.start();
    for (const { name, machine_id: machine } of JSON.parse(stack.must(['pki', 'show', '--json', stack.pki])).certificates) machines[name] = machine;
    assert.equal(peer('refused-without-certificate', 'edge').refused, true);
  }],
  ['a rack that publishes or listens under another\'s subjects is refused by the server', async () => {
    const { refused } = peer('permissions', 'edge', ['--machine', machines.edge, '--other', machines.host, '--rack', 'edge', '--other-rack', 'host']);
    assert.ok(refused.includes(`publish flux.audit.${machines.host}`));
    assert.ok(refused.includes('subscribe >'));
  }],
  ['what it published under its own name but is no block is counted, and nothing is stored of it', async () => {
    await until('the refusal is counted', async () => (await stack.api('/api/v1/status')).refused.malformed_block >= 1);
  }],
  ['a message between racks carries flux-id and traceparent as headers', async () => {
    // The mixer trims what is processed: ask while messages pass.
    await until('a message with headers is seen', async () => {
      assert.equal((await stack.shop(authorization('4532015112830366'))).status, 200);
      return peer('headers', 'mixer').flux_id;
    });
  }],
  ['a rack with a certificate of another authority is refused by the server, and would not start', async () => {
    await stack.stop('edge');
    const foreign = stack.path('foreign');
    stack.must(['pki', 'init', foreign]);
    stack.must(['pki', 'issue', foreign, '--rack', 'edge']);
    rmSync(join(foreign, 'ca.crt'));
    stack.run(['-c', `cp ${stack.pki}/ca.crt ${foreign}/ca.crt`], { program: 'bash' });
    const done = stack.run([join(root, 'tests/interop/nats_peer.mjs'), 'headers', '--url', `nats://127.0.0.1:${stack.ports.nats}`, '--ca',
      join(stack.pki, 'ca.crt'), '--cert', join(foreign, 'edge.crt'), '--key', join(foreign, 'edge.key')], { program: process.execPath });
    assert.equal(done.code, 1);
    assert.match(JSON.parse(done.out).reason, /certificate|tls|alert|closed|disconnect|reset/i);
    stack.spawn('edge', join(root, 'build/bin/fluxrig'), ['rack', stack.scenarios.get('edge')], { FLUXRIG_MIXER_CERTIFICATES: foreign });
    const entry = stack.processes.get('edge');
    await until('the rack ends', () => entry.result);
    assert.equal(entry.result.code, 1);
    assert.match(stack.log('edge'), /edge\.crt' is not signed by the authority/);
    assert.doesNotMatch(stack.log('edge'), /welcomed this rack/);
    assert.doesNotMatch(stack.log('edge'), /BEGIN|Expected 'PONG'/);
  }],
  ['a rack that starts before the mixer knows its certificate gets in after the mixer\'s SIGHUP, without a restart', async () => {
    stack.must(['pki', 'issue', stack.pki, '--rack', 'late']);
    stack.writeScenario('late', `rack: late\nmixer: { address: "nats://127.0.0.1:${stack.ports.nats}", certificates: ${stack.pki} }\n` +
      `data: ${stack.path('late')}\ngears:\n  in: { type: http_server, listen: "127.0.0.1:0", routes: [ { path: /, method: GET } ] }\n` +
      '  say: { type: respond }\nwires: [ in -> say ]\n');
    await stack.startRack('late', { welcomed: false });
    await stack.waitLog('late', 'the server refuses the certificate');
    process.kill(stack.processes.get('mixer').child.pid, 'SIGHUP');
    await stack.waitLog('mixer', 'the certificate index was read again');
    await stack.waitLog('late', 'welcomed this rack', 30_000);
  }],
], () => stack.close());
