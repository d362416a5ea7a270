// Certificates, a mixer with its nats-server, and racks: real processes on free loopback ports, everything in one
// directory under /tmp. `close` ends every process that was started, by its id, and removes the directory.
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, openSync, closeSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { until } from './suite.mjs';

export const root = fileURLToPath(new URL('../..', import.meta.url));
// Of another build, when the environment says so.
const programs = process.env.FLUXRIG_PROGRAMS ?? join(root, 'build/bin');
export const fluxrig = join(programs, 'fluxrig');
export const mixerProgram = join(programs, 'fluxrig-mixer');

// Below the ephemeral ports, so that no outgoing connection takes one while its process restarts. FLUXRIG_E2E_PORTS
// keeps suites that run at the same time apart: what one has picked and not opened yet, another would find free.
const [firstPort, endOfPorts] = (process.env.FLUXRIG_E2E_PORTS ?? '15000-32000').split('-').map(Number);

export async function freePort() {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const port = firstPort + Math.floor(Math.random() * (endOfPorts - firstPort));
    const free = await new Promise((resolve) => {
      const server = net.createServer().once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
    });
    if (free) return port;
  }
  throw new Error('no free port');
}

export function request(url, { method = 'POST', headers = {}, body = '', agent, timeout = 20_000 } = {}) {
  return new Promise((resolve, reject) => {
    const sent = http.request(url, { method, agent, timeout, headers: { 'content-type': 'application/json', ...headers } }, (answer) => {
      const parts = [];
      answer.on('data', (part) => parts.push(part));
      answer.on('error', reject);
      answer.on('end', () => {
        const text = Buffer.concat(parts).toString();
        resolve({ status: answer.statusCode, headers: answer.headers, text, json: () => JSON.parse(text) });
      });
    });
    sent.on('error', reject);
    sent.on('timeout', () => sent.destroy(new Error(`no answer from ${url} in ${timeout} ms`)));
    sent.end(body);
  });
}

export const authorization = (pan, more = {}) =>
  JSON.stringify({ card: { pan, expiry: '2912' }, amount: 1050, currency: '978', terminal: 'TERM0001', merchant: 'SHOP0001', ...more });

export class Stack {
  processes = new Map();
  ports = {};
  scenarios = new Map();
  prefixes = new Map();  // by name of a process: words before its program, such as `ip netns exec NAME`

  // `directory`: of the programs to run, if they are not those of the build.
  constructor(prefix = 'fluxrig-e2e-', directory = programs) {
    this.fluxrig = join(directory, 'fluxrig');
    this.mixerProgram = join(directory, 'fluxrig-mixer');
    this.directory = mkdtempSync(join(tmpdir(), prefix));
    this.pki = join(this.directory, 'pki');
    // The runner ends a suite that takes too long; nothing may stay behind.
    for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, this.onSignal);
    process.once('exit', this.onExit);
  }

  onSignal = () => this.close().finally(() => process.exit(1));
  onExit = () => this.killAll();

  path(...parts) {
    return join(this.directory, ...parts);
  }

  // Runs a command to its end.
  run(args, { env = {}, program = this.fluxrig, timeout = 20_000, cwd = this.directory } = {}) {
    const done = spawnSync(program, args, { encoding: 'utf8', timeout, cwd, env: { ...process.env, ...this.environment(), ...env }, maxBuffer: 1 << 28 });
    return { code: done.status, out: done.stdout ?? '', err: done.stderr ?? '' };
  }

  must(args, options) {
    const done = this.run(args, options);
    if (done.code !== 0) throw new Error(`${args.join(' ')}: exit ${done.code}: ${done.err}${done.out}`);
    return done.out;
  }

  environment() {
    return this.ports.api ? { FLUXRIG_MIXER_API: `http://127.0.0.1:${this.ports.api}`, FLUXRIG_TOKEN_FILE: this.path('mixer/api-token') } : {};
  }

  // `otlp`: services may send spans, to the port of that name.
  async prepare({ racks = ['edge', 'host'], mixer = '', hosts = [], otlp = false } = {}) {
    for (const name of ['api', 'nats', 'shop', 'bank', ...(otlp ? ['otlp'] : [])]) this.ports[name] = await freePort();
    this.must(['pki', 'init', this.pki]);
    this.must(['pki', 'issue', this.pki, '--server', 'nats', ...['127.0.0.1', 'localhost', ...hosts].flatMap((host) => ['--host', host])]);
    this.must(['pki', 'issue', this.pki, '--mixer', 'mixer']);
    for (const rack of racks) this.must(['pki', 'issue', this.pki, '--rack', rack]);
    writeFileSync(this.path('mixer.yaml'), `data: ${this.path('mixer')}\npki: ${this.pki}\n` +
      `listen: { api: "127.0.0.1:${this.ports.api}", nats: "127.0.0.1:${this.ports.nats}"${otlp ? `, otlp: "127.0.0.1:${this.ports.otlp}"` : ''} }\n` +
      // A machine under test is slow at times; that is no pressure of the store's.
      (mixer.includes('pressure:') ? mixer : `pressure: { commit_target_ms: 20000 }\n${mixer}`));
  }

  // Both racks of the demo on this stack's ports; keys of `options` replace parts of the text.
  writeScenarios({ edge = {}, host = {} } = {}) {
    const head = (rack, part) => `rack: ${rack}\nmixer: { address: "nats://127.0.0.1:${this.ports.nats}", certificates: ${this.pki} }\n` +
      `data: ${part.data ?? this.path(rack)}\n${part.top ?? ''}telemetry:\n  audit: { durability: commit${part.audit ?? ''} }\n` +
      `  sampling: { ratio: ${part.ratio ?? 1}, slow: ${part.slow ?? '250ms'} }\n  metrics: { interval: 1s }\n`;
    this.writeScenario('edge', head('edge', edge) + `gears:
  shop:   { type: http_server, listen: "127.0.0.1:${this.ports.shop}", routes: [ { path: /authorize, method: POST } ]${edge.shop ?? ''} }
  to_iso: { type: map, request: ${root}/examples/maps/authorize.yaml, reply: ${root}/examples/maps/authorized.yaml }
  codec:  { type: iso8583, spec: iso8583-1987-ascii, context: ${edge.context ?? 'offer'} }
  bank:   { type: tcp_client, connect: "127.0.0.1:${edge.bank ?? this.ports.bank}", framing: length2, reply_timeout: ${edge.reply_timeout ?? '5s'}, reconnect_max: 500ms }
${edge.gears ?? ''}wires:
  - shop -> to_iso -> codec -> bank
${edge.wires ?? ''}`);
    this.writeScenario('host', head('host', host) + `gears:
  switch:   { type: tcp_server, listen: "127.0.0.1:${this.ports.bank}", framing: length2${host.switch ?? ''} }
  codec:    { type: iso8583, spec: iso8583-1987-ascii, context: adopt }
  ask:      { type: bus_out, reply_timeout: 5s }
  asked:    { type: bus_in, from: host.ask }
  approver: { type: respond, set: { "39": "00" }${host.approver ?? ''} }
wires:
  - switch -> codec -> ask
  - asked -> approver
`);
  }

  writeScenario(name, text) {
    this.scenarios.set(name, this.path(`${name}.yaml`));
    writeFileSync(this.path(`${name}.yaml`), text);
  }

  spawn(name, program, args, env = {}) {
    const log = this.path(`${name}.log`);
    const file = openSync(log, 'a');
    const [first, ...words] = [...(this.prefixes.get(name) ?? []), program, ...args];
    const child = spawn(first, words, { stdio: ['ignore', file, file], cwd: this.directory, env: { ...process.env, ...this.environment(), ...env } });
    closeSync(file);
    const entry = { child, log, from: existsSync(log) ? readFileSync(log).length : 0 };
    entry.ended = new Promise((resolve) => child.once('exit', (code, signal) => resolve((entry.result = { code, signal }))));
    child.once('error', (error) => (entry.result = { code: -1, signal: error.message }));
    this.processes.set(name, entry);
    return entry;
  }

  // What a process wrote since its last start.
  log(name) {
    const entry = this.processes.get(name);
    return readFileSync(entry.log).subarray(entry.from).toString();
  }

  async waitLog(name, text, milliseconds = 20_000) {
    const entry = this.processes.get(name);
    await until(`'${text}' in the log of ${name}`, () => {
      if (this.log(name).includes(text)) return true;
      if (entry.result) throw Object.assign(new Error(`${name} ended with ${JSON.stringify(entry.result)}: ${this.log(name).slice(-1500)}`));
      return false;
    }, milliseconds);
  }

  async startMixer() {
    this.spawn('mixer', this.mixerProgram, ['--config', this.path('mixer.yaml')]);
    await this.waitLog('mixer', 'mixer ready');
  }

  async startRack(name, { env = {}, welcomed = true } = {}) {
    this.spawn(name, this.fluxrig, ['rack', this.scenarios.get(name)], env);
    await this.waitLog(name, 'is ready');
    if (welcomed) await this.waitLog(name, 'welcomed this rack');
  }

  async start(options = {}) {
    await this.prepare(options);
    this.writeScenarios(options);
    await this.startMixer();
    for (const rack of ['host', 'edge']) await this.startRack(rack);
  }

  // Ends a process with `signal`; gives its exit code.
  async stop(name, signal = 'SIGTERM', milliseconds = 20_000) {
    const entry = this.processes.get(name);
    if (!entry) return undefined;
    if (!entry.result) entry.child.kill(signal);
    await until(`${name} ends after ${signal}`, () => entry.result, milliseconds);
    this.processes.delete(name);
    return entry.result;
  }

  // Process ids of the children of a process of ours: the mixer's nats-server.
  childrenOf(name) {
    const { pid } = this.processes.get(name).child;
    const tasks = readdirSync(`/proc/${pid}/task`);
    return tasks.flatMap((task) => readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(/\s+/).filter(Boolean).map(Number));
  }

  killAll() {
    for (const { child, result } of this.processes.values()) if (!result) child.kill('SIGKILL');
  }

  // Racks before the mixer, so that they can hand over what they have.
  async close() {
    try {
      for (const name of [...this.processes.keys()].reverse()) await this.stop(name);
    } finally {
      this.killAll();
      for (const signal of ['SIGTERM', 'SIGINT']) process.off(signal, this.onSignal);
      process.off('exit', this.onExit);
      if (process.env.FLUXRIG_E2E_KEEP) console.log(`kept: ${this.directory}`);
      else rmSync(this.directory, { recursive: true, force: true });
    }
  }

  // --- what the mixer has -----------------------------------------------------------------------------------------

  async api(path) {
    const token = readFileSync(this.path('mixer/api-token'), 'utf8').trim();
    const answer = await request(`http://127.0.0.1:${this.ports.api}${path}`, { method: 'GET', headers: { authorization: `Bearer ${token}` } });
    if (answer.status !== 200) throw Object.assign(new Error(`${path}: ${answer.status} ${answer.text}`), { status: answer.status });
    return answer.json();
  }

  async rows(sql) {
    const { columns, rows } = await this.api(`/api/v1/sql?limit=100000&q=${encodeURIComponent(sql)}`);
    const names = columns.map((column) => column.name ?? column);
    return rows.map((row) => Object.fromEntries(row.map((value, i) => [names[i], value])));
  }

  async number(sql) {
    return Number(Object.values((await this.rows(sql))[0])[0]);
  }

  // The trace of an id once it has transactions of `count` racks.
  trace(id, count = 2, milliseconds = 15_000) {
    return until(`${count} transactions of ${id} are stored`, async () => {
      const trace = await this.api(`/api/v1/trace/${id}`);
      return trace.transactions.length >= count && trace;
    }, milliseconds);
  }

  shop(body, options = {}) {
    return request(`http://127.0.0.1:${this.ports.shop}/authorize`, { body, ...options });
  }
}

export function makeDirectory(path, mode = 0o755) {
  mkdirSync(path, { recursive: true });
  chmodSync(path, mode);
}
