#!/usr/bin/env node
// Certificates that are wrong, too old or of somebody else, in every place where one is shown: the mixer's API over
// https and the client commands, the rack, the mixer, and its server.
import assert from 'node:assert/strict';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import { clockEnvironment } from '../faults/clock.mjs';
import { authorization, fluxrig, mixerProgram, Stack } from './stack.mjs';
import { runSuite, until } from './suite.mjs';
import { spawn } from 'node:child_process';

const DAY = 86_400_000;
const stack = new Stack('fluxrig-certificates-');
const api = (host = '127.0.0.1') => `https://${host}:${stack.ports.api}`;
// A client command over https; `ca` null: the system's authorities.
const client = (args, { ca = `${stack.pki}/ca.crt`, url = api() } = {}) =>
  stack.run(args, { env: { FLUXRIG_MIXER_API: url, FLUXRIG_CA: ca ?? '' } });
const must = (args) => {
  const done = client(args);
  assert.equal(done.code, 0, `${args.join(' ')}: ${done.err}${done.out}`);
  return done.out;
};
// As `pki issue` would have made it a year and a month ago.
const issueExpired = (...words) =>
  stack.must(['pki', 'issue', stack.pki, ...words], { env: clockEnvironment(stack, 'then', -400 * DAY) });

function get(path, options = {}) {
  return new Promise((resolve, reject) => {
    const token = readFileSync(stack.path('mixer/api-token'), 'utf8').trim();
    https.get(`${api()}${path}`, { ca: readFileSync(`${stack.pki}/ca.crt`), headers: { authorization: `Bearer ${token}` }, ...options }, (answer) => {
      answer.resume();
      answer.on('end', () => resolve({ status: answer.statusCode, protocol }));
      const protocol = answer.socket.getProtocol();
    }).on('error', reject);
  });
}

async function refusedStart(name, program, args) {
  stack.spawn(name, program, args);
  const entry = stack.processes.get(name);
  await until(`${name} gives up`, () => entry.result);
  const log = stack.log(name);
  assert.equal(entry.result.code, 1, log);
  stack.processes.delete(name);
  return log;
}

// The certificates were made a month ago, so that a clock that is a month behind finds them good.
let past = {};
const environment = stack.environment.bind(stack);
stack.environment = () => ({ ...environment(), ...past });

let fluxId;
await runSuite([
  ['with a certificate and a key the API speaks https', async () => {
    past = clockEnvironment(stack, 'month', -31 * DAY);
    await stack.prepare({});
    past = {};
    stack.must(['pki', 'issue', stack.pki, '--server', 'elsewhere', '--host', 'elsewhere.example']);
    stack.must(['pki', 'issue', stack.pki, '--server', 'api', '--host', '127.0.0.1', '--host', 'localhost']);
    writeFileSync(stack.path('mixer.yaml'), `${readFileSync(stack.path('mixer.yaml'), 'utf8')}`
      + `api: { tls: { certificate: ${stack.pki}/api.crt, key: ${stack.pki}/api.key } }\n`);
    stack.writeScenarios();
    await stack.startMixer();
    for (const rack of ['host', 'edge']) await stack.startRack(rack);
    assert.deepEqual(await get('/api/v1/racks'), { status: 200, protocol: 'TLSv1.3' });
    assert.equal((await get('/api/v1/racks', { headers: {} })).status, 401);
    assert.equal((await get('/livez', { maxVersion: 'TLSv1.2' })).status, 200);
    await assert.rejects(get('/livez', { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }));
  }],
  ['every client command works over it', async () => {
    fluxId = (await stack.shop(authorization('4532015112830366'))).headers['flux-id'];
    await until('it is stored on both racks', () => must(['query', `SELECT count(*) FROM transactions WHERE flux_id = '${fluxId}'`, '--csv']).includes('2'));
    assert.match(must(['trace', fluxId]), /host +switch/);
    assert.match(must(['racks']), /edge/);
    await until('all of it is signed', () => /edge +ok/.test(must(['audit', 'status'])));
    assert.match(must(['audit', 'alarms']), /no alarms/);
    assert.match(must(['audit', 'doubt']), /./);
    assert.match(must(['audit', 'verify', '--mixer']), /no gap/);
    must(['audit', 'export', '--mixer', '-o', stack.path('all.audit')]);
    must(['audit', 'verify', stack.path('all.audit')]);
    assert.match(must(['dlq', 'ls']), /no dead letters/);
  }],
  ['tail follows over it', async () => {
    const tail = spawn(fluxrig, ['tail', '--json', '--rack', 'edge'], { env: { ...process.env, ...stack.environment(), FLUXRIG_MIXER_API: api(), FLUXRIG_CA: `${stack.pki}/ca.crt` } });
    let said = '';
    tail.stdout.on('data', (text) => { said += text; });
    tail.stderr.on('data', (text) => { said += text; });
    try {
      await until('a transaction is shown', async () => {
        await stack.shop(authorization('4532015112830366'));
        return said.includes('flux_id');
      });
    } finally {
      tail.kill('SIGKILL');
    }
  }],
  ['an authority that is not the mixer\'s, and none at all, are named', async () => {
    stack.must(['pki', 'init', stack.path('other')]);
    const other = client(['racks'], { ca: stack.path('other/ca.crt') });
    assert.equal(other.code, 1);
    assert.match(other.err, /its authority is not in .*other\/ca\.crt/);
    const none = client(['racks'], { ca: null });
    assert.equal(none.code, 1);
    assert.match(none.err, /its authority is not in the system's list; give it with --ca FILE/);
    const missing = client(['racks'], { ca: stack.path('nothing.crt') });
    assert.equal(missing.code, 1);
    assert.match(missing.err, /nothing\.crt/);
  }],
  ['http where https is spoken, and the other way round, are named', async () => {
    const plain = client(['racks'], { url: `http://127.0.0.1:${stack.ports.api}` });
    assert.equal(plain.code, 1);
    assert.match(plain.err, /write https:\/\//);
    const secure = client(['racks'], { url: `https://127.0.0.1:${stack.ports.shop}` });
    assert.equal(secure.code, 1);
    assert.match(secure.err, /speaks no TLS/);
  }],
  ['a certificate for another name, and one that has expired, are named', async () => {
    for (const [name, complaint] of [['elsewhere', /its certificate is not for 127\.0\.0\.1/], ['old-api', /its certificate has expired/]]) {
      if (name === 'old-api') {
        issueExpired('--server', name, '--host', '127.0.0.1');
        stack.must(['pki', 'issue', stack.pki, '--server', 'nats2', '--host', '127.0.0.1'], { env: clockEnvironment(stack, 'then', -31 * DAY) }); // the newest is the bus's
      }
      await stack.stop('mixer');
      const text = readFileSync(stack.path('mixer.yaml'), 'utf8');
      writeFileSync(stack.path('mixer.yaml'), text.replace(/pki\/[a-z-]+\.crt, key: .*pki\/[a-z-]+\.key/, `pki/${name}.crt, key: ${stack.pki}/${name}.key`));
      await stack.startMixer();
      const refused = client(['racks']);
      assert.equal(refused.code, 1);
      assert.match(refused.err, complaint);
    }
  }],
  ['a rack whose certificate has expired does not start, and says what to do', async () => {
    await stack.stop('edge');
    cpSync(stack.pki, stack.path('kept'), { recursive: true });
    issueExpired('--rack', 'edge');
    const log = await refusedStart('edge', fluxrig, ['rack', stack.path('edge.yaml')]);
    assert.match(log, /edge\.crt' expired at .*fluxrig pki issue .* --rack edge/);
  }],
  ['a rack whose certificate expires while it runs serves on and keeps its records until it has a new one', async () => {
    // Its own clock is a month behind: to it the certificate is good, to the server it is not.
    stack.must(['pki', 'issue', stack.pki, '--rack', 'edge', '--days', '1'], { env: clockEnvironment(stack, 'then', -30 * DAY) });
    stack.must(['check', stack.path('edge.yaml')], { env: clockEnvironment(stack, 'then', -30 * DAY) });
    stack.processes.get('mixer').child.kill('SIGHUP');
    stack.spawn('edge', fluxrig, ['rack', stack.path('edge.yaml')], clockEnvironment(stack, 'edge', -30 * DAY));
    await stack.waitLog('edge', 'is ready');
    await stack.waitLog('edge', 'the server refuses the certificate');
    assert.doesNotMatch(stack.log('edge'), /not yet valid/);
    assert.equal((await stack.shop(authorization('4532015112830366'))).status, 200);
    await stack.stop('edge');
    stack.must(['pki', 'issue', stack.pki, '--rack', 'edge']);
    stack.processes.get('mixer').child.kill('SIGHUP');
    await stack.startRack('edge');
  }],
  ['a mixer whose own certificate, or whose server\'s, has expired does not start, and says which', async () => {
    await stack.stop('edge');
    await stack.stop('host');
    await stack.stop('mixer');
    issueExpired('--mixer', 'old-mixer');
    assert.match(await refusedStart('mixer', mixerProgram, ['--config', stack.path('mixer.yaml')]), /old-mixer\.crt' expired at/);
    stack.must(['pki', 'issue', stack.pki, '--mixer', 'new-mixer']);
    issueExpired('--server', 'old-server', '--host', '127.0.0.1');
    assert.match(await refusedStart('mixer', mixerProgram, ['--config', stack.path('mixer.yaml')]), /old-server\.crt' expired at/);
  }],
], async () => {
  await stack.close();
});
