#!/usr/bin/env node
// What can be wrong around the programs: each names the thing in a sentence, and nothing answered is lost.
import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { runSuite, until } from './suite.mjs';
import { authorization, request, root, Stack } from './stack.mjs';

const stack = new Stack();
const mixer = join(root, 'build/bin/fluxrig-mixer');
const pan = '4532015112830366';
const disk = stack.path('disk');
let mounted = false;

// A program that must not start: its exit code, and what it says.
function refusesToStart(run, code, ...words) {
  const said = run.err + run.out;
  assert.equal(run.code, code, `exit ${run.code}: ${said}`);
  for (const word of words) assert.match(said, word);
  assert.doesNotMatch(said, /terminate called|std::|Assertion|Segmentation/);
}

const rack = (name, env) => stack.run(['rack', stack.scenarios.get(name)], { env });
const alone = (name, more = '', gears = '') => stack.writeScenario(name, `rack: edge\ndata: ${stack.path(name)}\n${more}gears:
  shop: { type: http_server, listen: "127.0.0.1:0", routes: [ { path: /a } ] }
  end:  { type: respond, payload: "{}"${gears} }
wires: [ shop -> end ]\n`);

const broken = [
  ['an unknown key', 'racks: edge\nrack: edge\ngears: {}\nwires: []\n', /:1:1: .*racks/],
  ['an unknown gear type', 'rack: a\ngears:\n  x: { type: http_servr, listen: ":0" }\nwires: []\n', /:3:\d+: .*http_servr[^]*http_server/],
  ['a wire to nowhere', 'rack: a\ngears:\n  x: { type: http_server, listen: "127.0.0.1:0", routes: [ { path: /a } ] }\nwires: [ x -> y ]\n', /:4:\d+: .*y/],
  ['a wrong type of value', 'rack: a\nlimits: { in_flight: many }\ngears:\n  x: { type: http_server, listen: "127.0.0.1:0", routes: [ { path: /a } ] }\n  y: { type: respond }\nwires: [ x -> y ]\n', /:2:\d+: .*in_flight/],
  ['a loop', 'rack: a\ngears:\n  x: { type: http_server, listen: "127.0.0.1:0", routes: [ { path: /a } ] }\n  c: { type: iso8583 }\n  d: { type: iso8583 }\nwires: [ x -> c -> d -> c ]\n', /:6:\d+: /],
  ['text that is no YAML', 'rack: [a\ngears: }\n', /:\d+:\d+: /],
];

await runSuite([
  ...broken.map(([what, text, place], index) => [`check names file, line and column of ${what}`, async () => {
    stack.writeScenario(`broken${index}`, text);
    const done = stack.run(['check', stack.scenarios.get(`broken${index}`)]);
    refusesToStart(done, 2, new RegExp(`broken${index}\\.yaml${place.source}`));
    refusesToStart(rack(`broken${index}`), 2, new RegExp(`broken${index}\\.yaml:`));
  }]),
  ['a taken port is a sentence and exit 1', async () => {
    const taken = net.createServer();
    await new Promise((resolve) => taken.listen(0, '127.0.0.1', resolve));
    try {
      alone('taken');
      const text = readFileSync(stack.scenarios.get('taken'), 'utf8').replace('127.0.0.1:0', `127.0.0.1:${taken.address().port}`);
      stack.writeScenario('taken', text);
      refusesToStart(stack.run(['rack', stack.scenarios.get('taken')], { timeout: 10_000 }), 1, new RegExp(`${taken.address().port}`), /taken/);
      refusesToStart(stack.run(['check', stack.scenarios.get('taken')]), 2, /taken\.yaml:\d+:\d+: /, /port \d+ is taken|in use/);
    } finally {
      taken.close();
    }
  }],
  ['a log directory that cannot be made, or be written, is a sentence and exit 1', async () => {
    alone('nodir');
    writeFileSync(stack.path('plainfile'), '');
    refusesToStart(rack('nodir', { FLUXRIG_DATA: stack.path('plainfile/sub') }), 1, /plainfile/);
    // Root writes where permissions say no, so the file system says it.
    mkdirSync(disk);
    const done = stack.run(['-t', 'tmpfs', '-o', 'size=100m', 'tmpfs', disk], { program: 'mount' });
    assert.equal(done.code, 0, `mounting a tmpfs is not permitted here, and the faults of a disk need it: ${done.err}`);
    mounted = true;
    stack.must(['-o', 'remount,ro', disk], { program: 'mount' });
    refusesToStart(rack('nodir', { FLUXRIG_DATA: join(disk, 'data') }), 1, /disk\/data/, /read-only/i);
    stack.must(['-o', 'remount,rw', disk], { program: 'mount' });
  }],
  ['garbage, foreign and mismatched certificates are a sentence and exit 1', async () => {
    await stack.prepare();
    stack.writeScenarios({ edge: { data: join(disk, 'edge') } });
    const bad = (name) => {
      stack.must(['-r', stack.pki, stack.path(name)], { program: 'cp' });
      return { FLUXRIG_MIXER_CERTIFICATES: stack.path(name), FLUXRIG_DATA: stack.path(`${name}-data`) };
    };
    const garbage = bad('garbage');
    writeFileSync(stack.path('garbage/edge.crt'), 'no certificate');
    refusesToStart(rack('edge', garbage), 1, /edge\.crt/);
    const mismatched = bad('mismatched');
    copyFileSync(join(stack.pki, 'host.key'), stack.path('mismatched/edge.key'));
    refusesToStart(rack('edge', mismatched), 1, /edge\.(key|crt)/);
    const missing = bad('missing');
    rmSync(stack.path('missing/edge.key'));
    refusesToStart(rack('edge', missing), 1, /edge\.key/);
  }],
  ['an absent nats-server is a sentence and exit 1', async () => {
    writeFileSync(stack.path('absent.yaml'), `${readFileSync(stack.path('mixer.yaml'), 'utf8')}nats: { binary: /nonexistent }\n`);
    refusesToStart(stack.run(['--config', stack.path('absent.yaml')], { program: mixer }), 1, /\/nonexistent/);
  }],
  ['a store that another mixer holds, or that is corrupt, is a sentence and exit 1', async () => {
    await stack.startMixer();
    const text = readFileSync(stack.path('mixer.yaml'), 'utf8');
    writeFileSync(stack.path('second.yaml'), text.replace(`:${stack.ports.api}"`, ':0"').replace(`:${stack.ports.nats}"`, `:${stack.ports.bank}"`));
    refusesToStart(stack.run(['--config', stack.path('second.yaml')], { program: mixer }), 1, /mixer/, /another|in use|locked|lock|running/i);
    await stack.stop('mixer');
    const store = readdirSync(stack.path('mixer'), { recursive: true }).map((name) => stack.path('mixer', String(name))).find((name) => name.endsWith('store.duckdb'));
    const good = readFileSync(store);
    writeFileSync(store, Buffer.alloc(good.length, 0x5a));
    refusesToStart(stack.run(['--config', stack.path('mixer.yaml')], { program: mixer }), 1, /store\.duckdb/);
    writeFileSync(store, good);
  }],
  ['a full disk refuses new work with 503 and Retry-After, recovers by itself, and loses nothing answered', async () => {
    await stack.startMixer();
    for (const name of ['host', 'edge']) await stack.startRack(name);
    const answered = [];
    const ask = async () => {
      const answer = await stack.shop(authorization(pan));
      if (answer.status === 200) answered.push(answer.headers['flux-id']);
      return answer;
    };
    const first = await ask();
    assert.equal(first.status, 200, `${first.text}${stack.log('edge')}`);
    const filler = join(disk, 'filler');
    stack.run(['if=/dev/zero', `of=${filler}`, 'bs=64k'], { program: 'dd' });
    const refused = await until('new work is refused', async () => {
      for (let i = 0; i < 50; i += 1) {
        const answer = await ask();
        if (answer.status !== 200) return answer;
      }
      return false;
    }, 30_000);
    assert.equal(refused.status, 503, refused.text);
    assert.match(refused.headers['retry-after'], /^\d+$/);
    rmSync(filler);
    await until('service returns', async () => (await ask()).status === 200);
    await until('everything answered is stored', async () => {
      const stored = new Set((await stack.rows("select flux_id from transactions where rack = 'edge' and outcome = 'answered'")).map((row) => row.flux_id));
      const missing = answered.filter((id) => !stored.has(id));
      if (missing.length) throw new Error(`${missing.length} of ${answered.length} missing`);
      return true;
    });
    console.log(`        ${answered.length} answered`);
  }],
  ['SIGHUP takes over the log level', async () => {
    const scenario = stack.scenarios.get('edge');
    const text = readFileSync(scenario, 'utf8');
    const edge = stack.processes.get('edge').child;
    const lines = () => stack.log('edge').trim().split('\n').length;
    writeFileSync(scenario, `${text}log: { level: error }\n`);
    edge.kill('SIGHUP');
    await until('the edge says it, or is quiet', async () => (await stack.shop(authorization(pan))).status === 200);
    await stack.stop('host');
    const before = lines();
    await stack.startRack('host');
    await until('the edge is connected again', async () => (await stack.shop(authorization(pan))).status === 200);
    assert.equal(lines(), before, 'level error: a connection is not worth a line');
    writeFileSync(scenario, text);
    edge.kill('SIGHUP');
    await until('the scenario is read again', () => lines() > before);
    await stack.stop('host');
    const louder = lines();
    await stack.startRack('host');
    await until('level info: the connection is worth a line', () => lines() > louder);
  }],
  ['SIGTERM answers what is in flight and exits 0', async () => {
    alone('slow', '', ', latency: { mean: 600ms }');
    stack.writeScenario('slow', readFileSync(stack.scenarios.get('slow'), 'utf8').replace('127.0.0.1:0', `127.0.0.1:${stack.ports.shop + 1}`));
    await stack.startRack('slow', { welcomed: false });
    const answers = Array.from({ length: 20 }, () => request(`http://127.0.0.1:${stack.ports.shop + 1}/a`, { body: '{}' }));
    await until('they are in flight', () => stack.run(['-tnH', 'state', 'established', `sport = :${stack.ports.shop + 1}`], { program: 'ss' }).out.trim().split('\n').length === 20, 500);
    const ended = stack.stop('slow');
    assert.deepEqual((await Promise.all(answers)).map((answer) => answer.status), Array(20).fill(200));
    assert.deepEqual(await ended, { code: 0, signal: null });
  }],
], async () => {
  try {
    for (const name of ['edge', 'host', 'mixer']) await stack.stop(name);
  } finally {
    stack.killAll();
    if (mounted) stack.run(['-l', disk], { program: 'umount' });
  }
  await stack.close();
});
