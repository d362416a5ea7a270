// The edge rack behind a narrow, far wire, a host rack beside the mixer, and a mixer whose store has a small disk of its own.
// The shop's authorizations are answered by the edge alone; the kiosk's go over the bus to the host and back. Both loads run on the
// edge's side of the wire, so that what they see is the rack and not the wire.
import { readFileSync, writeFileSync } from 'node:fs';
import { freePort, root } from '../e2e/stack.mjs';
import { LoopDisk } from '../faults/loop_disk.mjs';
import { Traffic } from '../faults/traffic.mjs';
import { World } from '../faults/world.mjs';
import { buildShaper, Wire } from './wire.mjs';

const STORE_BYTES = 256 << 20;

export class EdgeWorld extends World {
  racks = ['edge', 'host'];

  static lacks() {
    return Wire.lacks() ?? LoopDisk.lacks();
  }

  // `settings`: wire { bitsPerSecond, delayMicros, queueMillis }, and `telemetry` as the edge's scenario has it;
  // `storeBytes`: the size of the store's disk.
  constructor(chance, seed, settings) {
    super(chance, seed);
    this.settings = settings;
  }

  async openWire() {
    const { bitsPerSecond, delayMicros, queueMillis } = this.settings.wire;
    this.wire = new Wire(buildShaper(this.stack.path('shaper')), this.chance.between(1, 200));
    await this.wire.open();
    await this.wire.order(`rate ${bitsPerSecond}`, `delay ${delayMicros}`, `queue ${queueMillis}`);
  }

  async open() {
    const { stack } = this;
    await this.openWire();
    await stack.prepare({ hosts: [this.wire.here], racks: this.racks });
    stack.ports.ask = await freePort();
    this.listenOnWire();
    this.disk = new LoopDisk(stack.path('store.img'), stack.path('mixer/store'), this.settings.storeBytes ?? STORE_BYTES);
    this.writeScenarios();
    await stack.startMixer();
    await this.startRacks();
  }

  async startRacks() {
    this.stack.prefixes.set('edge', this.wire.inside);
    for (const rack of ['host', 'edge']) await this.stack.startRack(rack);
  }

  // The server takes racks at the wire's near end, which no cut takes away.
  listenOnWire() {
    const file = this.stack.path('mixer.yaml');
    writeFileSync(file, readFileSync(file, 'utf8').replace(`nats: "127.0.0.1:`, `nats: "${this.wire.here}:`));
  }

  head(rack) {
    const { stack } = this;
    return `rack: ${rack}\nmixer: { address: "nats://${this.wire.here}:${stack.ports.nats}", certificates: ${stack.pki} }\ndata: ${stack.path(rack)}\n`;
  }

  writeScenarios() {
    this.writePair({ edge: 'edge', host: 'host', shop: 'shop', ask: 'ask', telemetry: this.settings.telemetry, hostTelemetry: '{ metrics: { interval: 1s } }' });
  }

  // Two racks by name, and the names of the edge's ports.
  writePair({ edge, host, shop, ask, telemetry, hostTelemetry }) {
    const { stack } = this;
    stack.writeScenario(edge, `${this.head(edge)}telemetry: ${telemetry}
gears:
  shop:     { type: http_server, listen: "127.0.0.1:${stack.ports[shop]}", routes: [ { path: /authorize, method: POST } ] }
  to_iso:   { type: map, request: ${root}/examples/maps/authorize.yaml, reply: ${root}/examples/maps/authorized.yaml }
  approver: { type: respond, set: { "39": "00" } }
  kiosk:    { type: http_server, listen: "127.0.0.1:${stack.ports[ask]}", routes: [ { path: /authorize, method: POST } ] }
  ask:      { type: bus_out, reply_timeout: 5s }
wires: [ shop -> to_iso -> approver, kiosk -> ask ]
`);
    stack.writeScenario(host, `${this.head(host)}telemetry: ${hostTelemetry}
gears:
  asked:    { type: bus_in, from: ${edge}.ask }
  approver: { type: respond, payload: "{}" }
wires: [ asked -> approver ]
`);
  }

  // A load from the edge's own side: `rate` requests a second to the port of that name.
  load(name, port, letters, rate, connections = 16) {
    return new Traffic(this.stack, `http://127.0.0.1:${this.stack.ports[port]}/authorize`, { name, letters, rate, connections, prefix: this.wire.inside });
  }

  // The store's disk takes nothing more, and the mixer lives.
  stopSink() {
    this.disk.fill();
  }

  startSink() {
    this.disk.free();
  }

  release() {
    this.wire?.release();
    this.disk?.release();
  }
}
