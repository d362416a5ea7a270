// One long-lived stack that faults of one family happen to: opened, hit once a round under load, then settled and compared.
import { existsSync } from 'node:fs';
import { pause, until } from '../e2e/waiting.mjs';
import { Stack } from '../e2e/stack.mjs';
import { alarms, missing, replayed, storedTwice } from './oracle.mjs';
import { timeOf, Traffic } from './traffic.mjs';

// Names of mounts and namespaces hold the runner's process id, so that a later run can clear what a killed one left.
export const stackPrefix = () => `fluxrig-faults-${process.pid}-`;

export class World {
  // Words of a missing right or program, with what to do; undefined when all is there.
  static lacks() {}

  constructor(chance, seed) {
    Object.assign(this, { chance, seed, stack: new Stack(stackPrefix()), notes: [] });
  }

  async open() {
    await this.stack.start(this.options());
    this.traffic = new Traffic(this.stack, `http://127.0.0.1:${this.stack.ports.shop}/authorize`, { rate: this.rate });
    this.traffic.start(this.seed);
    await this.traffic.probe();
  }

  options() {
    return {};
  }

  // One round: load, the fault at a random time, and service again. Gives the time into the load at which it struck.
  async strike(kind, round) {
    if (!this.traffic.running()) throw new Error(`the load generator ended: ${this.stack.log('load').slice(-500)}`);
    const wait = this.chance.between(150, 1_200);
    await pause(wait);
    const note = await this.constructor.faults[kind].call(this, round);
    await this.traffic.probe(this.probeUrl);
    return { wait, note };
  }

  async restart(name) {
    if (name === 'mixer') await this.stack.startMixer();
    else await this.stack.startRack(name, { welcomed: false });
  }

  // Ends the traffic and the faults, waits until all has drained, and compares. Loss and doubling are put to the round in which
  // the transaction began.
  async settle(rounds) {
    await this.traffic.stop();
    const answered = this.traffic.answered();
    if (answered.length === 0) throw new Error('nothing was answered: a comparison would prove nothing');
    if (new Set(answered).size !== answered.length) throw new Error('the ledger has one flux_id twice');
    await replayed(this.stack);
    const found = await missing(this.stack, this.expected(answered), { rack: this.rack, peer: this.peer });
    this.blame(rounds, found.lost, 'lost');
    this.blame(rounds, found.doubled, 'doubled');
    const twice = await storedTwice(this.stack);
    if (twice) rounds.at(-1).doubled += twice;
    await this.judgeAlarms(rounds);
    await this.verify();
    const entries = this.traffic.entries().length;
    return `${answered.length} answered with 200 of ${entries} answers; ${found.lost.length} lost, ${found.doubled.length + twice} doubled${this.summary ?? ''}`;
  }

  expected(answered) {
    return answered;
  }

  // Crashes and lost connections are no tampering.
  async judgeAlarms() {
    const [first] = await alarms(this.stack);
    if (first) throw new Error(`nobody tampered, and the mixer has an alarm: ${first.kind}: ${first.what}`);
    // What an outage left behind trickles in beside fresh records: late is not missing.
    await until('the chains at the mixer verify', () => {
      const run = this.stack.run(['audit', 'verify', '--mixer'], { timeout: 60_000 });
      if (run.code !== 0) throw new Error(`fluxrig audit verify --mixer: exit ${run.code}: ${run.err}${run.out}`);
      return true;
    }, 90_000);
  }

  // Every rack ends in order and what is on its disk is good.
  async verify() {
    for (const rack of this.racks ?? ['edge', 'host']) {
      const ended = await this.stack.stop(rack);
      if (ended.code !== 0) throw new Error(`${rack} ended with ${JSON.stringify(ended)}`);
      this.verifyDirectory(this.dataOf(rack));
    }
  }

  dataOf(rack) {
    return this.stack.path(rack);
  }

  verifyDirectory(directory) {
    if (!existsSync(directory)) throw new Error(`${directory} is not there`);
    for (const command of ['wal', 'audit']) {
      const run = this.stack.run([command, 'verify', directory]);
      if (run.code !== 0) throw new Error(`fluxrig ${command} verify ${directory}: exit ${run.code}: ${run.err}${run.out}`);
    }
  }

  async close(keep) {
    if (keep) await this.traffic?.stop().catch(() => {});  // completes its ledger
    this.stack.killAll();
    for (const name of [...this.stack.processes.keys()]) await until(`${name} ends`, () => this.stack.processes.get(name).result, 10_000);
    this.release();
    if (!keep) await this.stack.close();
    else this.stack.processes.clear();
  }

  // What outlives processes: mounts, namespaces.
  release() {}

  blame(rounds, found, word) {
    for (const { id, where } of found) {
      const round = this.roundOf(rounds, timeOf(id));
      round[word] += 1;
      (round.examples ??= []).push(`${word} at ${where}: ${id}`);
    }
  }

  // The one in which a transaction of this time began.
  roundOf(rounds, time) {
    return rounds.findLast(({ from }) => from <= time) ?? rounds[0];
  }
}
