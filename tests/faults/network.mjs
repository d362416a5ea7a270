// The edge rack in a network namespace of its own: the wire to its mixer is cut, slow, late, or reset. It answers by itself
// all the while; a second route goes over the bus.
import { spawnSync } from 'node:child_process';
import { freePort, root } from '../e2e/stack.mjs';
import { pause, until } from '../e2e/waiting.mjs';
import { Proxy } from './proxy.mjs';
import { Traffic } from './traffic.mjs';
import { World } from './world.mjs';

const ip = (...args) => {
  const done = spawnSync('ip', args, { encoding: 'utf8' });
  if (done.status !== 0) throw new Error(`ip ${args.join(' ')}: ${done.stderr}`);
};

export class Network extends World {
  static title = 'network';
  racks = ['edge', 'host'];

  static lacks() {
    if (process.getuid() !== 0) return 'network namespaces need root; run it as root, or leave the family out with --only';
    const name = `fluxrig-faults-${process.pid}-try`;
    const made = spawnSync('ip', ['netns', 'add', name], { encoding: 'utf8' });
    if (made.status !== 0) return `'ip netns add' fails: ${made.stderr ?? made.error}; in a container give it CAP_SYS_ADMIN and CAP_NET_ADMIN`;
    spawnSync('ip', ['netns', 'del', name]);
    return undefined;
  }

  // Interface names have 15 characters at most.
  makeWire() {
    const net = `10.213.${this.chance.between(1, 250)}`;
    this.namespace = `fluxrig-faults-${process.pid}-${this.chance.between(1_000, 9_999)}`;
    this.wire = `fx${process.pid}m`;
    const peer = `fx${process.pid}e`;
    [this.here, this.there] = [`${net}.1`, `${net}.2`];
    ip('netns', 'add', this.namespace);
    ip('link', 'add', this.wire, 'type', 'veth', 'peer', 'name', peer, 'netns', this.namespace);
    ip('addr', 'add', `${this.here}/30`, 'dev', this.wire);
    ip('link', 'set', this.wire, 'up');
    ip('-n', this.namespace, 'addr', 'add', `${this.there}/30`, 'dev', peer);
    ip('-n', this.namespace, 'link', 'set', peer, 'up');
    ip('-n', this.namespace, 'link', 'set', 'lo', 'up');
  }

  // The other end and the wire go with the namespace.
  release() {
    this.proxy?.close();
    if (this.namespace) spawnSync('ip', ['netns', 'del', this.namespace]);
  }

  async open() {
    const { stack } = this;
    this.makeWire();
    await stack.prepare({ hosts: [this.here] });
    this.proxy = new Proxy(this.chance, stack.ports.nats);
    const way = await this.proxy.listen(this.here);
    stack.ports.ask = await freePort();
    stack.writeScenarios();  // the host's; the edge's is replaced
    stack.writeScenario('edge', `rack: edge
mixer: { address: "nats://${this.here}:${way}", certificates: ${stack.pki} }
data: ${stack.path('edge')}
telemetry: { audit: { durability: commit }, metrics: { interval: 1s } }
gears:
  shop:     { type: http_server, listen: "0.0.0.0:${stack.ports.shop}", routes: [ { path: /authorize, method: POST } ] }
  to_iso:   { type: map, request: ${root}/examples/maps/authorize.yaml, reply: ${root}/examples/maps/authorized.yaml }
  approver: { type: respond, set: { "39": "00" } }
  kiosk:    { type: http_server, listen: "0.0.0.0:${stack.ports.ask}", routes: [ { path: /authorize, method: POST } ] }
  ask:      { type: bus_out, reply_timeout: 5s }
wires: [ shop -> to_iso -> approver, kiosk -> ask ]
`);
    stack.writeScenario('host', `rack: host
mixer: { address: "nats://127.0.0.1:${stack.ports.nats}", certificates: ${stack.pki} }
data: ${stack.path('host')}
telemetry: { audit: { durability: commit }, metrics: { interval: 1s } }
gears:
  asked:    { type: bus_in, from: edge.ask }
  approver: { type: respond, payload: "{}" }
wires: [ asked -> approver ]
`);
    const inside = ['ip', 'netns', 'exec', this.namespace];
    stack.prefixes.set('edge', inside);
    await stack.startMixer();
    for (const rack of ['host', 'edge']) await stack.startRack(rack);
    this.traffic = new Traffic(stack, `http://${this.there}:${stack.ports.shop}/authorize`, { prefix: inside });
    this.asking = new Traffic(stack, `http://${this.there}:${stack.ports.ask}/authorize`, { prefix: inside, name: 'asking', letters: 'as', rate: 40, connections: 8 });
    for (const traffic of [this.traffic, this.asking]) {
      traffic.start(this.seed);
      await traffic.probe();
    }
  }

  async strike(kind, round) {
    const done = await super.strike(kind, round);
    await this.asking.probe();
    return done;
  }

  async settle(rounds) {
    await this.asking.stop();
    this.traffic.probes.push(...this.asking.entries());
    return super.settle(rounds);
  }

  static faults = {
    async partition() {
      const milliseconds = this.chance.between(500, 6_000);
      ip('link', 'set', this.wire, 'down');
      await pause(milliseconds);
      await this.serves();
      ip('link', 'set', this.wire, 'up');
      return `${milliseconds} ms`;
    },
    async 'partition-kill'() {
      ip('link', 'set', this.wire, 'down');
      await pause(this.chance.between(300, 2_000));
      await this.stack.stop('edge', 'SIGKILL');
      await this.restart('edge');
      await pause(this.chance.between(300, 1_500));
      await this.serves();
      ip('link', 'set', this.wire, 'up');
    },
    // Minutes without a mixer, and a start in the middle of them: a rack needs nobody to serve and to record.
    async outage() {
      const seconds = this.chance.between(120, 240);
      const ends = Date.now() + seconds * 1000;
      const killed = Date.now() + this.chance.between(20, seconds - 40) * 1000;
      ip('link', 'set', this.wire, 'down');
      let starts = 0;
      let answers = 0;
      for (; Date.now() < ends; answers += 1) {
        if (starts === 0 && Date.now() >= killed) {
          await this.stack.stop('edge', 'SIGKILL');
          await this.restart('edge');
          starts += 1;
        }
        await this.serves();
        await pause(2_000);
      }
      ip('link', 'set', this.wire, 'up');
      return `${seconds} s, killed and started once in it, asked ${answers} times`;
    },
    async delay() {
      this.proxy.jitter = this.chance.between(0, 200);
      this.proxy.delay = this.chance.between(20, 400);
      await pause(this.chance.between(1_500, 4_000));
      await this.serves();
      const note = `${this.proxy.delay} ms and up to ${this.proxy.jitter} more, each way`;
      this.proxy.delay = 0;
      return note;
    },
    async slow() {
      const rate = this.chance.between(64, 512);
      const done = spawnSync('tc', ['qdisc', 'add', 'dev', this.wire, 'root', 'tbf', 'rate', `${rate}kbit`, 'burst', '5kb', 'latency', '300ms'], { encoding: 'utf8' });
      if (done.status !== 0) throw new Error(`tc: ${done.stderr}`);
      await pause(this.chance.between(1_500, 4_000));
      spawnSync('tc', ['qdisc', 'del', 'dev', this.wire, 'root']);
      return `${rate} kbit/s`;
    },
    // Nothing passes, and nobody is told.
    async stall() {
      const milliseconds = this.chance.between(500, 8_000);
      this.proxy.stall();
      await pause(milliseconds);
      await this.serves();
      this.proxy.resume();
      return `${milliseconds} ms`;
    },
    async reset() {
      const times = this.chance.between(1, 5);
      for (let i = 0; i < times; i += 1) {
        this.proxy.reset();
        await pause(this.chance.between(0, 700));
      }
      return `${times} times`;
    },
  };

  // While the bus is away, the rack answers what needs no bus. The wire may be cut, so it is asked from its own side.
  async serves() {
    const { stack, traffic } = this;
    const script = `fetch('http://127.0.0.1:${stack.ports.shop}/authorize', { method: 'POST', headers: { 'content-type': 'application/json' },
      body: process.argv[1], signal: AbortSignal.timeout(8000) }).then((answer) => console.log(answer.status, answer.headers.get('flux-id')))`;
    const name = 'inside';
    stack.prefixes.set(name, ['ip', 'netns', 'exec', this.namespace]);
    stack.spawn(name, process.execPath, ['-e', script, traffic.body()]);
    await until('an answer to a request from inside', () => stack.processes.get(name).result);
    const [status, id] = stack.log(name).trim().split(' ');
    if (status !== '200') throw new Error(`a rack without its bus answered ${stack.log(name)}`);
    traffic.probes.push({ id, status: 200 });
  }
}
