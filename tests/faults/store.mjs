// Somebody changes what the mixer keeps, while it is down: the database, its log, Parquet files, JetStream's files. The mixer
// does not start and names the file, or a query names it, or the audit chain does; else everything must read as before.
import { cpSync, readdirSync, rmSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { until } from '../e2e/waiting.mjs';
import { mixerProgram } from '../e2e/stack.mjs';
import { openAlone } from './alone.mjs';
import { ClockJumps, presetClock } from './clock.mjs';
import { alarms } from './oracle.mjs';
import { flip } from './tamper.mjs';
import { World } from './world.mjs';

const AHEAD_MS = 5 * 3_600_000;  // so that the racks' hours are over for the mixer and move to Parquet
const TABLES = ['transactions', 'spans', 'metrics', 'logs'];

const filesBelow = (directory, pattern) => readdirSync(directory, { recursive: true }).map((name) => join(directory, String(name)))
  .filter((name) => pattern.test(name) && statSync(name).isFile() && statSync(name).size > 0);

export class Store extends World {
  static title = 'store';
  racks = ['edge'];

  static lacks() {
    return ClockJumps.lacks();
  }

  async open() {
    presetClock(this.stack, 'mixer', AHEAD_MS);
    await openAlone(this);
    await until('records are in Parquet', async () => (await this.stack.number('select count(*) from parquet_files')) > 0, 120_000);
  }

  // One line that changes when any row does.
  async fingerprint() {
    const parts = [];
    for (const table of TABLES) {
      const [row] = await this.stack.rows(`select count(*) as n, bit_xor(hash(t)) as h from ${table} as t`);
      parts.push(`${table} ${row.n} ${row.h}`);
    }
    return parts.join(', ');
  }

  // With the rack at rest, so that nothing moves between the two looks.
  async change(round, { pick, crash }) {
    const { stack } = this;
    const store = stack.path('mixer/store');
    const good = stack.path('store.good');
    await stack.stop('edge');
    const before = await until('the store is at rest', async () => {
      const one = await this.fingerprint();
      return one === await this.fingerprint() && one;
    });
    await stack.stop('mixer', crash ? 'SIGKILL' : 'SIGTERM');
    rmSync(good, { recursive: true, force: true });
    cpSync(store, good, { recursive: true });
    const file = pick(store);
    const done = file ? flip(file, this.chance) : 'there is no such file';
    const said = await this.look(before, file ?? '');
    if (said === undefined) {
      round.undetected += 1;
      round.examples = [`undetected: ${done}: rows differ, and nothing says so`];
    }
    await stack.stop('mixer', 'SIGKILL');
    rmSync(store, { recursive: true });
    cpSync(good, store, { recursive: true });
    await this.restart('mixer');
    await this.restart('edge');
    return `${done}: ${said ?? 'NOT named'}`;
  }

  // What is said about the changed store; undefined: it reads differently and nobody says so.
  async look(before, file) {
    const { stack } = this;
    stack.spawn('mixer', mixerProgram, ['--config', stack.path('mixer.yaml')]);
    const entry = stack.processes.get('mixer');
    await until('the mixer starts or ends', () => entry.result || stack.log('mixer').includes('mixer ready'), 60_000);
    if (entry.result) {
      const line = stack.log('mixer').trim().split('\n').at(-1);
      if (entry.result.code !== 1 || !/store|parquet/.test(line)) throw new Error(`the mixer ended with ${JSON.stringify(entry.result)}: ${line}`);
      return `named at the start: ${line.slice(0, 120)}`;
    }
    const told = stack.log('mixer').split('\n').find((line) => / (warn|error) /.test(line) && line.includes(basename(file)));
    let after;
    try {
      after = await this.fingerprint();
    } catch (error) {
      return `named by a query: ${error.message.slice(0, 160)}`;
    }
    if (after === before) return 'harmless';
    if (told) return `named: ${told.slice(0, 120)}`;
    const verify = stack.run(['audit', 'verify', '--mixer', '--json']);
    if (verify.code === 3) return `named by audit verify: ${verify.out.slice(0, 120)}`;
    const [alarm] = await alarms(stack);
    return alarm ? `named by an alarm: ${alarm.what.slice(0, 120)}` : undefined;
  }

  static faults = {
    'bit-of-the-database': function (round) {
      return this.change(round, { pick: (store) => join(store, 'store.duckdb') });
    },
    'bit-of-the-database-log': function (round) {
      return this.change(round, { crash: true, pick: (store) => filesBelow(store, /store\.duckdb\.wal$/)[0] });
    },
    'bit-of-parquet': function (round) {
      return this.change(round, { pick: (store) => this.chance.pick(filesBelow(store, /\.parquet$/)) });
    },
    // The racks still have what has no receipt; nothing is put back.
    async 'bit-of-jetstream'() {
      const { stack } = this;
      await stack.stop('mixer', 'SIGKILL');
      const done = flip(this.chance.pick(filesBelow(stack.path('mixer/nats/store'), /./)), this.chance);
      await this.restart('mixer');
      return done;
    },
  };
}
