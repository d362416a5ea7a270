// Racks and a mixer with all that holds data: HTTP and ISO 8583 in, a spool, dead letters, spans of services, an export to
// OpenTelemetry, ports for operators. Of
// which programs, and under which profile, is the caller's choice.
import { fileURLToPath } from 'node:url';
import { BackEnd } from '../e2e/back_end.mjs';
import { join as joinBus, joinAs } from '../e2e/bus_client.mjs';
import { freePort, Stack } from '../e2e/stack.mjs';
import { FarBank } from './far_bank.mjs';

const MAP = fileURLToPath(new URL('authorize.yaml', import.meta.url));
const REPLY_MAP = fileURLToPath(new URL('../../examples/maps/authorized.yaml', import.meta.url));
// Everything that is text: what a peer writes there is the question.
const RECORDED = [2, 3, 4, 7, 11, 12, 13, 14, 22, 34, 35, 36, 37, 41, 42, 43, 44, 45, 46, 47, 48, 49, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61,
  62, 63, 98, 101, 102, 103, 104, 105, 110, 120, 121, 122, 123, 124, 125, 126, 127];

export class World {
  bus = [];  // every message of the bus, as its subscribers get it

  // `name`: a gear's, on every metric and span of the edge.
  static async start({ programs, profile, name = 'shop' }) {
    const world = new World();
    world.stack = new Stack(`fluxrig-leaks-${profile}-`, programs);
    world.backEnd = await BackEnd.start();
    await world.stack.prepare({ racks: ['edge', 'host', 'third'], otlp: true, mixer: `profile: ${profile}\nexport: { endpoint: "http://127.0.0.1:${world.backEnd.port}", flush_ms: 200 }\n` });
    for (const port of ['post', 'buy', 'far', 'edgeMonitor', 'hostMonitor']) world.stack.ports[port] = await freePort();
    world.far = await FarBank.start(world.stack.ports.far);
    world.write(profile, name);
    await world.stack.startMixer();
    await world.listen();
    for (const rack of ['host', 'edge']) await world.stack.startRack(rack);
    return world;
  }

  write(profile, name) {
    const { stack } = this;
    const { ports } = stack;
    const head = (rack) => `rack: ${rack}\nmixer: { address: "nats://127.0.0.1:${ports.nats}", certificates: ${stack.pki} }\n` +
      `data: ${stack.path(rack)}\nprofile: ${profile}\nmonitor: { listen: "127.0.0.1:${ports[`${rack}Monitor`]}" }\ntelemetry: { metrics: { interval: 500ms } }\n` +
      `log: { level: ${profile === 'production' ? 'info' : 'debug'} }\n`;
    stack.writeScenario('edge', `${head('edge')}gears:
  ${name}: { type: http_server, listen: "127.0.0.1:${ports.shop}", routes: [ { path: /authorize, method: POST } ] }
  to_iso: { type: map, request: ${MAP}, reply: ${REPLY_MAP} }
  codec:  { type: iso8583, spec: iso8583-1987-ascii, context: offer, record: ${JSON.stringify(RECORDED.map(String))} }
  bank:   { type: tcp_client, connect: "127.0.0.1:${ports.bank}", framing: length2, reply_timeout: 5s, reconnect_max: 500ms }
  post:   { type: http_server, listen: "127.0.0.1:${ports.post}", routes: [ { path: /order, method: POST }, { path: /poison, method: POST } ] }
  send:   { type: bus_out, reply: false, reply_timeout: 2s }
  buy:     { type: http_server, listen: "127.0.0.1:${ports.buy}", routes: [ { path: /buy, method: POST } ] }
  buy_iso: { type: map, request: ${MAP}, reply: ${REPLY_MAP} }
  buy_codec: { type: iso8583, spec: iso8583-1987-ascii, record: ${JSON.stringify(RECORDED.map(String))} }
  far:     { type: tcp_client, connect: "127.0.0.1:${ports.far}", framing: length2, reply_timeout: 500ms, reconnect_max: 100ms }
wires: [ ${name} -> to_iso -> codec -> bank, post -> send, buy -> buy_iso -> buy_codec -> far ]
`);
    stack.writeScenario('host', `${head('host')}gears:
  switch:   { type: tcp_server, listen: "127.0.0.1:${ports.bank}", framing: length2 }
  codec:    { type: iso8583, spec: iso8583-1987-ascii, context: adopt, record: ${JSON.stringify(RECORDED.map(String))} }
  ask:      { type: bus_out, reply_timeout: 5s }
  asked:    { type: bus_in, from: host.ask }
  approver: { type: respond, set: { "39": "00" } }
  take:     { type: bus_in, from: edge.send }
  pick:     { type: route, field: url.path, cases: [ { equals: /order, to: good } ] }
  stored:   { type: respond, set: { ok: "1" } }
wires: [ switch -> codec -> ask, asked -> approver, take -> pick, pick.good -> stored ]
`);
  }

  // What goes over the bus, besides what its stores keep of it; and the connections of who has a rack's certificate. A server
  // that was killed takes them along: then again.
  async listen() {
    await this.leave();
    this.connection = await joinBus(this.stack);
    const subscription = this.connection.subscribe('flux.>');
    (async () => {
      for await (const message of subscription) {
        const headers = message.headers ? [...message.headers].map(([key, values]) => `${key}: ${values.join(', ')}`).join('\n') : '';
        this.bus.push(Buffer.from(`${message.subject}\n${headers}\n`, 'latin1'), Buffer.from(message.data));
      }
    })().catch(() => {});
    this.peers = { edge: await joinAs(this.stack, 'edge'), third: await joinAs(this.stack, 'third') };
  }

  async leave() {
    for (const connection of [this.connection, this.peers?.edge.connection, this.peers?.third.connection])
      await connection?.close().catch(() => {});
  }

  async close() {
    await this.leave();
    await this.backEnd.stop();
    await this.far.stop();
    await this.stack.close();
  }
}
