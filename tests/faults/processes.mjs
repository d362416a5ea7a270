// SIGKILL, SIGSTOP and the loss of JetStream's store: of racks, mixer and nats-server, with `durability: commit`.
import { readdirSync, rmSync } from 'node:fs';
import { join } from '../e2e/bus_client.mjs';
import { pause, until } from '../e2e/waiting.mjs';
import { World } from './world.mjs';

const kill = (name) => async function () {
  await this.stack.stop(name, 'SIGKILL');
  await this.restart(name);
};

const freeze = (pidOf, low, high) => async function () {
  const pid = pidOf(this.stack);
  const milliseconds = this.chance.between(low, high);
  process.kill(pid, 'SIGSTOP');
  try {
    await pause(milliseconds);
  } finally {
    process.kill(pid, 'SIGCONT');
  }
  return `${milliseconds} ms`;
};

const pid = (name) => (stack) => stack.processes.get(name).child.pid;

export function natsServer(stack) {
  const children = stack.childrenOf('mixer');
  if (children.length !== 1) throw new Error(`the mixer has ${children.length} children; expected is its nats-server`);
  return children[0];
}

async function anotherServer(stack, before) {
  await until('the mixer started another nats-server', () => stack.childrenOf('mixer').some((child) => child !== before), 30_000);
}

function wipe(stack) {
  const store = stack.path('mixer/nats/store');
  if (readdirSync(store).length === 0) throw new Error(`${store} is empty: there is nothing to wipe`);
  rmSync(store, { recursive: true });
}

export class Processes extends World {
  static title = 'processes';
  peer = 'host';

  static faults = {
    'kill-edge': kill('edge'),
    'kill-host': kill('host'),
    'kill-mixer': kill('mixer'),
    async 'kill-nats'() {
      const server = natsServer(this.stack);
      process.kill(server, 'SIGKILL');
      await anotherServer(this.stack, server);
    },
    async 'kill-all'() {
      await Promise.all(['edge', 'host', 'mixer'].map((name) => this.stack.stop(name, 'SIGKILL')));
      for (const name of this.chance.deal(['edge', 'host', 'mixer'], 3)) await this.restart(name);
    },
    'stop-edge': freeze(pid('edge'), 300, 3_000),
    'stop-host': freeze(pid('host'), 300, 3_000),
    'stop-mixer': freeze(pid('mixer'), 300, 6_000),
    'stop-nats': freeze(natsServer, 300, 6_000),
    // The server is gone, and all that it had acknowledged, while everything else goes on.
    async 'wipe-nats'() {
      const server = natsServer(this.stack);
      process.kill(server, 'SIGSTOP');  // so that it is not started again before its store is gone
      wipe(this.stack);
      process.kill(server, 'SIGKILL');
      await anotherServer(this.stack, server);
    },
    // Every block again, twice, the last one first: as tries do that the server does not know for repetitions any more.
    async 'blocks-again'() {
      const bus = await join(this.stack);
      try {
        const blocks = [];
        const subscription = bus.subscribe('flux.audit.*', { callback: (error, message) => error || blocks.push([message.subject, message.data]) });
        await until('blocks pass by', () => blocks.length >= 20);
        subscription.unsubscribe();
        for (const [subject, data] of blocks.reverse()) for (let i = 0; i < 2; i += 1) bus.publish(subject, data);
        await bus.flush();
        return `${blocks.length} blocks`;
      } finally {
        await bus.close();
      }
    },
    async 'wipe-mixer'() {
      await this.stack.stop('mixer', 'SIGKILL');
      wipe(this.stack);
      await this.restart('mixer');
    },
  };
}
