#!/usr/bin/env node
// `nats.address`: a server that the mixer did not start, with users and permissions of its own operator. It carries what
// the mixer's own carries, comes and goes, and what is wrong with it is named at the mixer's start.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { authorization, mixerProgram, Stack } from './stack.mjs';
import { runSuite, until } from './suite.mjs';

const stack = new Stack('fluxrig-foreign-');
let own; // the text of the configuration that the mixer generates: an operator may begin with it
let mixerYaml;
const answered = []; // flux_ids

function configure(more) {
  writeFileSync(stack.path('mixer.yaml'), `${mixerYaml}nats: { address: "nats://127.0.0.1:${stack.ports.nats}" }\n${more ?? ''}`);
}
async function startServer(change = (text) => text) {
  writeFileSync(stack.path('foreign.conf'), change(own));
  stack.spawn('nats', 'nats-server', ['-c', stack.path('foreign.conf')]);
  await until('the server listens', async () => {
    const { connect } = await import('node:net');
    return new Promise((done) => {
      const socket = connect(stack.ports.nats, '127.0.0.1', () => { socket.destroy(); done(true); });
      socket.on('error', () => done(false));
    });
  });
}
// The mixer says `complaint` and ends with 1.
async function refused(complaint) {
  stack.spawn('mixer', mixerProgram, ['--config', stack.path('mixer.yaml')]);
  const entry = stack.processes.get('mixer');
  await until('the mixer gives up', () => entry.result, 30_000);
  assert.equal(entry.result.code, 1);
  assert.match(stack.log('mixer'), complaint);
  stack.processes.delete('mixer');
}
async function pay(count) {
  for (let i = 0; i < count; i += 1) {
    const { status, headers } = await stack.shop(authorization('4532015112830366'));
    if (status === 200) answered.push(headers['flux-id']);
  }
}
const allStored = () => until('what was answered is stored, once', async () => {
  const rows = await stack.rows('SELECT CAST(flux_id AS VARCHAR) AS id, rack, count(*) AS n FROM transactions GROUP BY ALL');
  const stored = new Map(rows.map(({ id, rack, n }) => [`${rack} ${id}`, Number(n)]));
  assert.deepEqual(answered.filter((id) => stored.get(`edge ${id}`) !== 1), []);
  assert.deepEqual([...stored.values()].filter((n) => n !== 1), []);
  // Without the bus the context of a message does not reach the host, which then gives it an id of its own.
  assert.ok(rows.filter(({ rack }) => rack === 'host').length >= answered.length);
  return true;
}, 60_000);

await runSuite([
  ['without a server at the address the mixer does not start, and says so', async () => {
    await stack.prepare({});
    stack.writeScenarios();
    mixerYaml = readFileSync(stack.path('mixer.yaml'), 'utf8');
    // The generated configuration, with what the racks' gears announced.
    await stack.startMixer();
    for (const rack of ['host', 'edge']) await stack.startRack(rack);
    await pay(1);
    await allStored();
    for (const name of ['edge', 'host', 'mixer']) await stack.stop(name);
    mkdirSync(stack.path('foreign'));
    own = readFileSync(stack.path('mixer/nats/server.conf'), 'utf8')
      .replaceAll(stack.path('mixer/nats/store'), stack.path('foreign')).replaceAll(stack.path('mixer/nats/server.log'), stack.path('foreign.log'));
    assert.match(own, new RegExp(stack.path('foreign')));
    configure();
    await refused(new RegExp(`no server.*127\\.0\\.0\\.1:${stack.ports.nats}|127\\.0\\.0\\.1:${stack.ports.nats}.*(refused|does not answer|cannot)`));
  }],
  ['a server without TLS, and one without JetStream, are named', async () => {
    await startServer(() => `listen: "127.0.0.1:${stack.ports.nats}"\n`);
    await refused(/offers no TLS; plaintext is refused/);
    await stack.stop('nats');
    await startServer((text) => text.replace(/jetstream:?\s*\{[^}]*\}/, ''));
    await refused(/it runs without JetStream/);
    await stack.stop('nats');
  }],
  ['copies that a single server cannot keep are named', async () => {
    await startServer();
    configure('streams: { replicas: 3 }\n');
    await refused(/it is a single one, and 'streams\.replicas' asks for 3 copies/);
    configure();
  }],
  ['it carries both lanes and business messages, and the mixer starts no server of its own', async () => {
    await stack.startMixer();
    assert.deepEqual(stack.childrenOf('mixer'), []);
    for (const rack of ['host', 'edge']) await stack.startRack(rack);
    await pay(20);
    assert.equal(answered.length, 21);
    await allStored();
    assert.match(stack.must(['audit', 'verify', '--mixer']), /no gap/);
    assert.ok(await stack.number('SELECT count(*) FROM spans') > 0);
  }],
  ['SIGKILL of it during load loses nothing that was answered, and all go on by themselves', async () => {
    for (let round = 0; round < 3; round += 1) {
      const load = pay(30);
      await stack.stop('nats', 'SIGKILL');
      await load;
      await startServer();
      await until('payments pass again', async () => {
        const before = answered.length;
        await pay(1);
        return answered.length > before;
      }, 30_000);
    }
    await allStored();
    // What the server took and lost with its process comes again after 30 s: late is not missing.
    await until('the chains have no gap', () => stack.run(['audit', 'verify', '--mixer']).code === 0, 60_000);
  }],
  ['the mixer ends and leaves it running', async () => {
    for (const name of ['edge', 'host']) await stack.stop(name);
    assert.equal((await stack.stop('mixer')).code, 0);
    assert.equal(stack.processes.get('nats').result, undefined);
    await stack.startMixer();
    await stack.stop('mixer');
  }],
], async () => {
  await stack.close();
});
