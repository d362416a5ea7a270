// `on_full: continue`: a disk that takes no records does not stop the business. What is lost then is declared in the signed chain, by its
// number; the mixer shows it, and what was answered meanwhile is all that may be missing.
import { pause, until } from '../e2e/waiting.mjs';
import { alarms, missing } from './oracle.mjs';
import { Disk } from './disk.mjs';
import { timeOf } from './traffic.mjs';

const GOES_ON_MS = 1_500;
const DECLARED_MS = 240_000;  // behind a backlog of the whole lane, from a store that was found slow
const MARGIN_MS = 1_000;  // a transaction that began before may end within

const inside = (id, { from, to }) => timeOf(id) >= from && timeOf(id) <= to;

// One round to a stack: what one leaves behind takes the room of the next.
export class GoOn extends Disk {
  static title = 'go-on';
  rate = 1_000;  // what a lane has reserved is soon used up
  windows = [];  // of each full disk: from and to in ms, and whether the rack was killed meanwhile

  options() {
    // Small segments: what is preallocated is soon used up.
    return { edge: { ...super.options().edge, audit: ', disk: 32MiB, on_full: continue' } };
  }

  // How often the rack that runs has said so.
  told(text) {
    return this.stack.log('edge').split(text).length - 1;
  }

  // Full until records were lost, which the log tells; every question of that time has its answer. The mixer sleeps: with its receipts a rack
  // needs no new space, for it writes into its old segments.
  async whileFull(next) {
    const from = Date.now();
    const [lost, again] = [this.told('replies go on'), this.told('can be written again')];
    const mixer = this.stack.processes.get('mixer').child;
    mixer.kill('SIGSTOP');
    this.disk.fill();
    try {
      await until('records are lost', () => this.told('replies go on') > lost, 60_000);
      for (const end = Date.now() + GOES_ON_MS; Date.now() < end; await pause(50)) {
        const { status } = await this.traffic.ask();
        if (status !== 200) throw new Error(`with on_full: continue a full disk answers ${status}`);
      }
      await next?.();
    } finally {
      this.disk.free();
      mixer.kill('SIGCONT');
      this.windows.push({ from: from - MARGIN_MS, to: Date.now() + MARGIN_MS, killed: next !== undefined });
    }
    if (!next) await until('the loss is declared', () => this.told('can be written again') > again);
  }

  // What is missing was begun while a disk was full, and the declarations of that time have at least its number. A rack that is killed
  // meanwhile cannot know how many: its declaration stays open.
  async settle(rounds) {
    const told = [await super.settle(rounds)];
    const answered = this.traffic.answered();
    for (const window of this.windows) {
      const suspects = answered.filter((id) => inside(id, window));
      let lost, notices, records, undeclared;
      // Late is not undeclared: both trickle in beside fresh records.
      await until('the losses are declared', async () => {
        ({ lost } = await missing(this.stack, suspects, { milliseconds: 2_000 }));
        ({ notices, records } = await this.declared(window));
        undeclared = window.killed ? Number(notices === 0) : lost.length - records;
        return undeclared <= 0;
      }, DECLARED_MS).catch(() => {});
      if (undeclared > 0) this.roundOf(rounds, window.from + MARGIN_MS).undetected += undeclared;
      told.push(`${lost.length} answered on a full disk have no record, ${records} records are declared lost${window.killed ? ' by a rack that was killed' : ''}`);
    }
    return told.join('; ');
  }

  async declared({ from, to }) {
    const [{ notices, records }] = await this.stack.rows(`select count(*) as notices, coalesce(sum(count), 0) as records from audit_alarms
      where kind = 'declared_loss' and epoch_ms(raised_at) between ${from} and ${to}`);
    return { notices: Number(notices), records: Number(records) };
  }

  // A declared loss is a notice; anything else would be an alarm about nothing.
  async judgeAlarms() {
    const wrong = (await alarms(this.stack)).find(({ notice }) => !notice);
    if (wrong) throw new Error(`nobody tampered, and the mixer has an alarm: ${wrong.kind}: ${wrong.what}`);
  }

  expected(answered) {
    return answered.filter((id) => !this.windows.some((window) => inside(id, window)));
  }

  static faults = {
    async 'full-disk-goes-on'() {
      await this.whileFull();
    },
    async 'full-disk-goes-on-kill'() {
      await this.whileFull(() => this.stack.stop('edge', 'SIGKILL'));
      await this.restart('edge');
    },
  };
}
