// Messages of lane P0 that wait in a rack's spool on disk while the bus is away, and what becomes of them when that disk rots, or
// the rack is killed over them. What rots is named, and nothing else is missing.
import { join } from 'node:path';
import { pause, until } from '../e2e/waiting.mjs';
import { flipFrame, recordsOn, segments } from './tamper.mjs';
import { Traffic } from './traffic.mjs';
import { World } from './world.mjs';

const BLOCKS = 3;  // the last one looks like what a crash leaves, the others do not

export class Spool extends World {
  static title = 'spool';
  rack = 'host';  // has what the edge rack accepted
  destroyed = new Set();
  damaged = new Set();  // segments: they are kept for a look after what was whole in them has gone out

  async open() {
    const { stack } = this;
    await stack.prepare();
    const head = (rack) => `rack: ${rack}
mixer: { address: "nats://127.0.0.1:${stack.ports.nats}", certificates: ${stack.pki} }
data: ${stack.path(rack)}
telemetry: { audit: { durability: commit }, metrics: { interval: 1s } }
`;
    stack.writeScenario('edge', `${head('edge')}gears:
  shop: { type: http_server, listen: "127.0.0.1:${stack.ports.shop}", routes: [ { path: /authorize, method: POST } ] }
  send: { type: bus_out, reply: false, reply_timeout: 2s }
wires: [ shop -> send ]
`);
    stack.writeScenario('host', `${head('host')}gears:
  take: { type: bus_in, from: edge.send }
  done: { type: respond }
wires: [ take -> done ]
`);
    await stack.startMixer();
    for (const rack of ['host', 'edge']) await stack.startRack(rack);
    this.traffic = new Traffic(stack, `http://127.0.0.1:${stack.ports.shop}/authorize`, { rate: 150 });
    this.traffic.start(this.seed);
    await this.traffic.probe();
  }

  get directory() {
    return join(this.dataOf('edge'), 'spool', 'send.out');
  }

  // The mixer and its bus are gone until the rack has some blocks in its spool; then the rack dies over them.
  async fillAndKill() {
    await this.stack.stop('mixer', 'SIGKILL');
    const blocks = () => segments(this.directory).filter(({ name }) => !this.damaged.has(name)).flatMap((segment) => segment.frames.map((_, index) => ({ segment, index })));
    await until('messages wait in the spool', async () => (await this.traffic.ask()).status === 200 && blocks().length > BLOCKS + 1);
    await pause(this.chance.between(100, 600));
    await this.stack.stop('edge', 'SIGKILL');
    return blocks();
  }

  async backAgain() {
    await this.restart('edge');
    await this.traffic.probe();  // out of the spool: the bus is not there yet
    await this.restart('mixer');
  }

  async settle(rounds) {
    this.summary = `; ${this.destroyed.size} messages destroyed`;
    return super.settle(rounds);
  }

  expected(answered) {
    return answered.filter((id) => !this.destroyed.has(id));
  }

  // A damaged segment of the spool is kept for a look, so only the audit log must be whole.
  verifyDirectory(directory) {
    const run = this.stack.run(['audit', 'verify', directory]);
    if (run.code !== 0) throw new Error(`fluxrig audit verify ${directory}: exit ${run.code}: ${run.err}${run.out}`);
  }

  static faults = {
    async 'spool-kill'() {
      const blocks = await this.fillAndKill();
      await this.backAgain();
      return `${blocks.length} blocks in the spool`;
    },
    async 'spool-bit'(round) {
      const blocks = await this.fillAndKill();
      const before = recordsOn(this.stack, this.directory);
      const { segment, index } = this.chance.pick(blocks.slice(1, -1));
      const done = flipFrame(segment, this.chance, index);
      this.damaged.add(segment.name);
      const after = recordsOn(this.stack, this.directory);
      const lost = [...before].filter((id) => !after.has(id));
      for (const id of lost) this.destroyed.add(id);
      const verify = this.stack.run(['wal', 'verify', this.directory]);
      const undetected = (what) => {
        round.undetected += 1;
        round.examples = [`undetected: ${done}: ${what}`];
      };
      if (lost.length === 0) undetected('it costs no message');
      if (verify.code !== 3) undetected(`fluxrig wal verify exits ${verify.code}: ${verify.out}`);
      await this.backAgain();
      await until('the rack names its damaged spool', () => /spool is damaged/.test(this.stack.log('edge'))).catch((error) => undetected(error.message));
      return `${done}: ${lost.length} messages destroyed, and named`;
    },
  };
}
