// The load generator and its own ledger of what was answered: the outside view that the store is held against.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { until } from '../e2e/waiting.mjs';
import { authorization, fluxrig, request } from '../e2e/stack.mjs';

const PAN = '4532015112830366';
const LONGEST = '30m';

export class Traffic {
  probes = [];
  count = 0;

  // `url` takes authorizations. Each request has its own terminal (element 41): the two letters of the run, six digits.
  constructor(stack, url, { rate = 250, connections = 16, name = 'load', letters = 'ld', prefix = [], timeout = '8s' } = {}) {
    Object.assign(this, { stack, url, rate, connections, name, letters, timeout });
    this.ledger = stack.path(`${name}.tsv`);
    if (prefix.length) stack.prefixes.set(name, prefix);
  }

  start(seed) {
    const body = this.stack.path(`${this.name}.json`);
    writeFileSync(body, authorization('{{pan}}', { terminal: `${this.letters}{{stan}}` }));
    this.stack.spawn(this.name, fluxrig, ['load', 'http', this.url, '--method', 'POST', '--body-template', body, '--header',
      'content-type: application/json', '--connections', String(this.connections), '--rate', String(this.rate), '--duration', LONGEST,
      '--timeout', this.timeout, '--traceparent', '--allow-errors', '--quiet', '--seed', String(seed || 1), '--ledger', this.ledger]);
  }

  running() {
    const entry = this.stack.processes.get(this.name);
    return entry !== undefined && !entry.result;
  }

  async stop() {
    if (!this.stack.processes.has(this.name)) return;
    const { code } = await this.stack.stop(this.name, 'SIGINT', 30_000);
    if (code !== 0) throw new Error(`the load generator ended with ${code}`);
  }

  // Asks until one request is answered with 200; the ledger has it as any other.
  async probe(url = this.url, milliseconds = 60_000) {
    return until('a request is answered again', async () => {
      const answer = await this.ask(url);
      if (answer.status !== 200) throw new Error(`answered ${answer.status}`);
      return true;
    }, milliseconds);
  }

  // One request; when it is answered with 200 the ledger has it.
  async ask(url = this.url) {
    const answer = await request(url, { body: this.body(), timeout: 8_000 });
    if (answer.status === 200) this.probes.push({ id: answer.headers['flux-id'], status: 200 });
    return answer;
  }

  // With a terminal that no other request has.
  body() {
    this.count += 1;
    return authorization(PAN, { terminal: `z${this.letters[0]}${String(this.count).padStart(6, '0')}` });
  }

  // What was answered: [{ id, status }]. Complete after stop().
  entries() {
    const text = existsSync(this.ledger) ? readFileSync(this.ledger, 'utf8') : '';
    const lines = text.split('\n').filter(Boolean).map((line) => line.split('\t'));
    return [...lines.map(([id, status]) => ({ id, status: Number(status) })), ...this.probes];
  }

  answered() {
    return this.entries().filter(({ status }) => status === 200).map(({ id }) => id);
  }
}

// Milliseconds since 1970 at which a flux_id (UUIDv7) was made.
export const timeOf = (id) => parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
