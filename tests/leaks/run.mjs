// One run over one world: takes cards in turn, pushes them through ways in, and gives what comes back to the places.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { request } from '../e2e/stack.mjs';
import { BYTES, OWN, TEXTS } from './encodings.mjs';
import { BANK_BYTE_INGRESSES, BANK_INGRESSES, BYTE_INGRESSES, TEXT_INGRESSES } from './ingress.mjs';
import { apiIngresses, busIngresses, configurationIngresses, monitorIngresses } from './mixer_ingress.mjs';
import { files, MONITOR, OF_THE_BUS, Place, TABLES } from './places.mjs';
import { serviceByteIngresses, serviceIngresses } from './service_ingress.mjs';

const WORKERS = 16;
const PAGE = 20_000;        // rows in one answer of the API
const CHUNK = 64 << 10;     // of a file: what was searched in one look is not searched in the next
const OVERLAP = 1 << 10;    // longer than any encoding of a number
const SEPARATORS = [', ', ' | ', ' ', '; ', '\n'];

// Each way in with each encoding that it takes: all, or those that it names.
function jobsOf(ingresses, bytes) {
  return Object.entries(ingresses).flatMap(([ingress, way]) =>
    (way.own ? [[OWN, (pan) => pan]] : Object.entries(bytes ? BYTES : TEXTS).filter(([encoding]) => way.taken?.includes(encoding) ?? true))
      .map(([encoding, encode]) => ({ ingress, way, encoding, encode, bytes })));
}

export class Run {
  places = new Map();
  pushed = new Map();   // number of a card -> where it was pushed
  crossed = new Map();  // way in -> encodings
  pushes = 0;
  #next = 0;
  #reserved = new Map();
  #offset = 0;
  #serviceOffset = 0;
  #seen = new Set();
  #held = Promise.resolve();

  // `smuggled`: cards for the bus alone, `services`: for spans of services alone. `together`: how many numbers go into one
  // field, on average.
  constructor(world, { cards, smuggled, services, tools, random, together }) {
    Object.assign(this, { world, cards, smuggled: new Set(smuggled), tools, random, together });
    this.ofBus = { cards: smuggled, next: 0 };
    this.ofServices = { cards: services, next: 0 };
    this.w = { ports: world.stack.ports, far: world.far };
    this.jobs = [...jobsOf(TEXT_INGRESSES, false), ...jobsOf(BYTE_INGRESSES, true), ...jobsOf(BANK_INGRESSES, false), ...jobsOf(BANK_BYTE_INGRESSES, true)];
    this.serviceJobs = [...jobsOf(serviceIngresses(world.stack), false), ...jobsOf(serviceByteIngresses(world.stack), true)];
    mkdirSync(world.stack.path('inputs'));
  }

  keep(name, bytes) {
    if (!this.places.has(name)) this.places.set(name, new Place(name));
    this.places.get(name).add(bytes);
  }

  look() {
    for (const place of this.places.values()) {
      place.look(this.tools);
      // Put there by hand, by who may write there.
      if (OF_THE_BUS.has(place.name)) for (const [key, { card }] of place.hits) if (this.smuggled.has(card)) place.hits.delete(key);
    }
  }

  #take(suits) {
    if (!suits) return this.cards[this.#next++ % this.cards.length];
    if (!this.#reserved.has(suits)) this.#reserved.set(suits, { cards: this.cards.filter(suits), next: 0 });
    const reserved = this.#reserved.get(suits);
    return reserved.cards[reserved.next++ % reserved.cards.length];
  }

  // Cards for one push, and their texts as long as the way takes them.
  #fill({ most, longest, suits }, encode, pool) {
    const wanted = Math.min(most, 1 + this.random.below(2 * this.together - 1));
    const cards = [];
    const texts = [];
    let size = 0;
    while (cards.length < wanted && (cards.length === 0 || size < longest)) {
      let card = pool ? pool.cards[pool.next++ % pool.cards.length] : this.#take(suits);
      while (pool && suits && !suits(card)) card = pool.cards[pool.next++ % pool.cards.length];
      card.trace = (card.number + 1).toString(16).padStart(8, 'a').repeat(4);
      const text = encode(card.pan, card);
      size += text.length + 3;
      if (cards.length > 0 && size > longest) {
        if (pool) pool.next -= 1;
        else this.#next -= suits ? 0 : 1;
        break;
      }
      cards.push(card);
      texts.push(text);
    }
    return { cards, texts };
  }

  #note(cards, ingress, encoding) {
    for (const { number } of cards) {
      if (!this.pushed.has(number)) this.pushed.set(number, []);
      this.pushed.get(number).push(`${ingress} (${encoding})`);
    }
    if (!this.crossed.has(ingress)) this.crossed.set(ingress, new Set());
    this.crossed.get(ingress).add(encoding);
  }

  // One push; gives how many cards it took.
  async #send({ ingress, way, encoding, encode, bytes }, place, pool) {
    const { cards, texts } = this.#fill(way, encode, pool);
    const joined = bytes ? Buffer.concat(texts.flatMap((text) => [text, Buffer.from('\n')])) : texts.join(this.random.pick(SEPARATORS));
    this.#note(cards, ingress, encoding);
    this.pushes += 1;
    const reply = await way.send(this.w, joined, { cards, texts, random: this.random });
    if (reply.business) this.#business(reply.bytes, cards);
    else this.keep(place, reply.bytes);
    return cards.length;
  }

  // A business reply gives its caller what is the caller's: looked through for what is anybody else's.
  #business(bytes, cards) {
    const name = 'business replies, for what is not their caller\'s';
    if (!this.places.has(name)) this.places.set(name, new Place(name));
    const place = this.places.get(name);
    place.bytes += bytes.length;
    for (const hit of this.tools.search.in(bytes))
      if (!cards.includes(hit.card)) place.hits.set(`${hit.card.number} ${hit.encoding}`, hit);
  }

  // No push begins until the function that this gives is called.
  hold() {
    let release;
    this.#held = new Promise((resolve) => (release = resolve));
    return release;
  }

  // `count` cards through the racks' ways in, in every encoding; all combinations in turn.
  async push(count) {
    let left = count;
    const worker = async () => {
      while (left > 0) {
        await this.#held;
        const job = this.jobs[this.#offset++ % this.jobs.length];
        left -= 1;  // others may not take it meanwhile
        const taken = await this.#send(job, 'refusals of the gears');
        left -= taken - 1;
      }
    };
    await Promise.all(Array.from({ length: WORKERS }, worker));
  }

  async pushApi() {
    for (const job of jobsOf(apiIngresses(this.world.stack), false)) await this.#send(job, 'replies of the API');
  }

  // With the racks' certificates, past everything that a rack does.
  async pushBus() {
    for (const job of jobsOf(busIngresses(this.world.peers), false)) await this.#send(job, 'answers on the bus', this.ofBus);
  }

  // Spans of services: `count` pushes, or each way in with each encoding once. One request waits for a commit of the store.
  async pushServices(count = this.serviceJobs.length) {
    let left = count;
    const worker = async () => {
      for (; left > 0; left -= 1) await this.#send(this.serviceJobs[this.#serviceOffset++ % this.serviceJobs.length], 'answers to services', this.ofServices);
    };
    await Promise.all(Array.from({ length: WORKERS }, worker));
  }

  async pushMonitor() {
    for (const job of jobsOf(monitorIngresses, false)) await this.#send(job, MONITOR);
  }

  async pushConfiguration() {
    for (const job of jobsOf(configurationIngresses(this.world.stack), false)) await this.#send(job, 'what programs say of their configuration');
  }

  // What is new in the files since the last look.
  keepFiles() {
    for (const [name, , read] of files(this.world.stack.directory)) {
      const bytes = read();
      const fresh = [];
      for (let at = 0; at < bytes.length; at += CHUNK) {
        const part = bytes.subarray(at, at + CHUNK + OVERLAP);
        const hash = `${name} ${createHash('sha1').update(part).digest('latin1')}`;
        if (!this.#seen.has(hash)) fresh.push(part);
        this.#seen.add(hash);
      }
      for (const part of fresh) this.keep(name, part);
      if (!this.places.has(name)) continue;
      this.places.get(name).look(this.tools);  // so that it need not be kept
    }
  }

  // Every row, as DuckDB unpacks it.
  async keepRows(place) {
    const { stack } = this.world;
    for (const table of TABLES)
      for (let from = 0, rows = []; from === 0 || rows.length === PAGE; from += PAGE) {
        ({ rows } = await stack.api(`/api/v1/sql?limit=${PAGE}&q=${encodeURIComponent(`SELECT * FROM ${table} LIMIT ${PAGE} OFFSET ${from}`)}`));
        this.keep(place, Buffer.from(rows.map((row) => row.join('\n')).join('\n')));
      }
    for (const list of ['racks', 'status', 'dead-letters', 'doubt', 'audit/status', 'audit/alarms', 'audit/ledger', 'transactions?limit=1000', 'logs?limit=1000'])
      this.keep('replies of the API', Buffer.from(JSON.stringify(await stack.api(`/api/v1/${list}`))));
    await this.keepMetrics();
  }

  // In both forms that can be pulled.
  async keepMetrics() {
    const { stack } = this.world;
    const token = readFileSync(stack.path('mixer/api-token'), 'utf8').trim();
    for (const accept of ['application/openmetrics-text; version=1.0.0', 'text/plain; version=0.0.4']) {
      const answer = await request(`http://127.0.0.1:${stack.ports.api}/metrics`, { method: 'GET', headers: { accept, authorization: `Bearer ${token}` } });
      assert.equal(answer.status, 200, answer.text);
      this.keep('/metrics', Buffer.from(answer.text));
    }
  }

  // What the racks' own ports serve.
  async keepMonitors() {
    for (const rack of ['edge', 'host'])
      for (const [path, accept] of [['/metrics', 'application/openmetrics-text; version=1.0.0'], ['/metrics', 'text/plain; version=0.0.4'], ['/livez', '*/*'], ['/readyz', '*/*']]) {
        const answer = await request(`http://127.0.0.1:${this.w.ports[`${rack}Monitor`]}${path}`, { method: 'GET', headers: { accept } });
        assert.equal(answer.status, 200, `${rack} ${path}: ${answer.text}`);
        this.keep(MONITOR, Buffer.from(answer.text));
      }
  }

  // What was found where, place by place.
  result() {
    this.look();
    const table = [...this.places.values()].map(({ name, bytes, hits, codes, halves }) => ({ place: name, bytes, hits: [...hits.values()], codes: [...codes], halves: [...halves],
      where: [...new Set([...hits.values()].flatMap(({ card }) => this.pushed.get(card.number) ?? ['never pushed']))] }));
    return { table: table.sort((a, b) => (a.place < b.place ? -1 : 1)), pushes: this.pushes, numbers: this.pushed.size, crossed: this.crossed };
  }
}
