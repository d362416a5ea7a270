// Somebody changes what a rack keeps on disk, while the rack is down. Each change is harmless (nothing is lost, and the chain
// verifies) or it is named: anything else counts as undetected. Kinds that begin with `copy-` harm a copy and ask
// `fluxrig audit verify` alone; the others harm the rack's own directory, and the rack goes on with it.
import { cpSync, existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { pause, until } from '../e2e/waiting.mjs';
import { fluxrig } from '../e2e/stack.mjs';
import { openAlone } from './alone.mjs';
import { alarms } from './oracle.mjs';
import { cutSegment, dropFrame, flip, flipFrame, recordsOn, removeSegment, segments, verdictOn } from './tamper.mjs';
import { World } from './world.mjs';

const STARTS = 4;

export class Tampering extends World {
  static title = 'tampering';
  racks = ['edge'];
  destroyed = new Set();

  async open() {
    await openAlone(this);
    await this.makeSample();
  }

  // Without its mixer a rack keeps what it writes: a segment for each start.
  async backlog(starts) {
    await this.stack.stop('mixer');
    for (let i = 0; i < starts; i += 1) {
      await pause(this.chance.between(250, 500));
      await this.stack.stop('edge', 'SIGKILL');
      if (i + 1 < starts) await this.restart('edge');
    }
  }

  async makeSample() {
    await this.backlog(STARTS);
    this.sample = this.stack.path('sample');
    cpSync(this.dataOf('edge'), this.sample, { recursive: true });
    this.whole = recordsOn(this.stack, this.sample);
    const verdict = verdictOn(this.stack, this.sample);
    if (!verdict.good || this.whole.size === 0) throw new Error(`the sample is no good: ${this.whole.size} transactions, ${verdict.told}`);
    await this.restart('mixer');
    await this.restart('edge');
  }

  // One change of a copy.
  copy(round, harm) {
    const copy = this.stack.path('copy');
    rmSync(copy, { recursive: true, force: true });
    cpSync(this.sample, copy, { recursive: true });
    const done = harm(join(copy, 'audit'), copy);
    const left = recordsOn(this.stack, copy);
    const verdict = verdictOn(this.stack, copy);
    return this.judge(round, done, this.whole.size - left.size, verdict);
  }

  judge(round, done, lost, { good, told }) {
    const named = !good || told !== '';
    if (lost > 0 && !named) {
      round.undetected += 1;
      round.examples = [`undetected: ${done}: ${lost} transactions cannot be read any more, and verify is content`];
    }
    return `${done}: ${named ? `named: ${told.slice(0, 90)}` : 'harmless'}${lost ? `, ${lost} unreadable` : ''}`;
  }

  // One change of the rack's own directory; the rack must go on, or say what is wrong.
  async own(round, harm) {
    const directory = this.dataOf('edge');
    await this.backlog(this.chance.between(2, 3));
    const before = recordsOn(this.stack, directory);
    const done = harm(join(directory, 'audit'), directory);
    const after = recordsOn(this.stack, directory);
    const verdict = verdictOn(this.stack, directory);
    const lost = [...before].filter((id) => !after.has(id));
    for (const id of lost) this.destroyed.add(id);
    await this.restart('mixer');
    await this.restart('edge');
    // What has its receipt is at the mixer, and a directory may lack it: verify forgives that.
    const stored = await this.storedIds();
    const gone = lost.filter((id) => !stored.has(id)).length;
    round.unreadable = gone;
    return this.judge(round, done, gone, verdict);
  }

  // An older state of the directory, from a backup. The mixer has more, and says so.
  async restoreBackup(round) {
    const { stack } = this;
    const directory = this.dataOf('edge');
    const backup = stack.path('backup');
    const known = (await alarms(stack)).length;
    await stack.stop('edge');
    rmSync(backup, { recursive: true, force: true });
    cpSync(directory, backup, { recursive: true });
    await this.restart('edge');
    await pause(this.chance.between(300, 900));
    await stack.stop('edge', 'SIGKILL');
    const before = recordsOn(stack, directory);
    rmSync(directory, { recursive: true });
    cpSync(backup, directory, { recursive: true });
    const after = recordsOn(stack, directory);
    // What the mixer does not have by now was only in what the backup replaced.
    const pulled = () => this.storedIds();
    const stored = await until('the mixer has taken what was on its way', async () => {
      const [one, other] = [await pulled(), (await pause(700), await pulled())];
      return one.size === other.size && other;
    });
    const lost = [...before].filter((id) => !after.has(id) && !stored.has(id));
    for (const id of lost) this.destroyed.add(id);
    await this.restart('edge');
    try {
      const found = await until('an alarm of the mixer', async () => (await alarms(stack)).slice(known).find(({ notice }) => !notice), 30_000);
      const verify = stack.run(['audit', 'verify', '--mixer'], { timeout: 60_000 });
      if (verify.code !== 3) throw new Error(`the mixer has an alarm, ${found.kind}, and fluxrig audit verify --mixer exits ${verify.code}`);
      return `${lost.length} destroyed; the mixer: ${found.kind}: ${found.what.slice(0, 90)}`;
    } catch (error) {
      round.undetected += 1;
      round.examples = [`undetected: a backup restored, ${lost.length} destroyed: ${error.message}`];
      return 'not named';
    }
  }

  async storedIds() {
    return new Set((await this.stack.rows("select flux_id from transactions where rack = 'edge'")).map((row) => row.flux_id));
  }

  // A file without which the rack should not go on: it says which, or goes on as before.
  async startWith(round, file, harm) {
    const { stack } = this;
    await stack.stop('edge', 'SIGKILL');
    const good = readFileSync(file);
    const done = harm();
    stack.spawn('edge', fluxrig, ['rack', stack.scenarios.get('edge')]);
    const entry = stack.processes.get('edge');
    await until('the rack starts or ends', () => entry.result || stack.log('edge').includes('is ready'));
    const told = stack.log('edge').split('\n').find((line) => line.includes(basename(file)) || /certificate|tls/i.test(line));
    const ended = entry.result;
    if (ended && (ended.code !== 1 || !told)) {
      round.undetected += 1;
      round.examples = [`${done}: the rack ended with ${JSON.stringify(ended)} and did not name it: ${stack.log('edge').slice(-300)}`];
    }
    await stack.stop('edge', 'SIGKILL');
    writeFileSync(file, good);
    await this.restart('edge');
    return `${done}: ${ended ? `named: ${told?.slice(0, 120)}` : 'the rack starts'}`;
  }

  // The mixer hears of a change that cost records, from the rack or by itself.
  async judgeAlarms(rounds) {
    const lossy = rounds.filter(({ unreadable }) => unreadable);
    if (lossy.length === 0) return;
    await until('the mixer has an alarm or a notice', async () => (await alarms(this.stack)).length > 0, 200_000);
  }

  // The directory may hold what was damaged: its verdicts were judged round by round.
  verifyDirectory() {}

  // What was destroyed by hand is not held against the rack: it must be named, and was judged in its round.
  expected(answered) {
    return answered.filter((id) => !this.destroyed.has(id));
  }

  static faults = {
    'copy-bit-of-a-closed-segment': function (round) {
      return this.copy(round, (audit) => {
        const segment = this.chance.pick(segments(audit).slice(0, -1));
        return flipFrame(segment, this.chance, this.chance.between(0, segment.frames.length - 1));
      });
    },
    'copy-bit-of-the-last-segment': function (round) {
      return this.copy(round, (audit) => {
        const segment = segments(audit).at(-1);
        return flipFrame(segment, this.chance, this.chance.between(0, segment.frames.length - 1));
      });
    },
    'copy-segment-deleted': function (round) {
      return this.copy(round, (audit) => {
        // Without its end a chain is whole: the mixer knows the end, the directory does not.
        return removeSegment(this.chance.pick(segments(audit).slice(1, -1)));
      });
    },
    'copy-segment-cut': function (round) {
      return this.copy(round, (audit) => cutSegment(this.chance.pick(segments(audit).slice(0, -1)), this.chance));
    },
    'copy-block-taken-out': function (round) {
      return this.copy(round, (audit) => dropFrame(this.chance.pick(segments(audit).filter(({ frames }) => frames.length > 2)), this.chance));
    },
    'copy-segments-exchanged': function (round) {
      return this.copy(round, (audit) => {
        const [one, other] = this.chance.deal(segments(audit), 2);
        cpSync(one.path, other.path);
        return `${other.name} replaced by ${one.name}`;
      });
    },
    'bit-of-a-segment': function (round) {
      return this.own(round, (audit) => {
        const segment = this.chance.pick(segments(audit).filter(({ frames }) => frames.length > 2));
        return flipFrame(segment, this.chance, this.chance.between(1, segment.frames.length - 2));
      });
    },
    'segment-deleted': function (round) {
      return this.own(round, (audit) => removeSegment(segments(audit).at(-2)));
    },
    'old-backup-restored': function (round) {
      return this.restoreBackup(round);
    },
    'bit-of-the-key': function (round) {
      const file = join(this.dataOf('edge'), 'audit.key');
      return this.startWith(round, file, () => flip(file, this.chance));
    },
    'bit-of-the-certificate': function (round) {
      const file = join(this.stack.pki, 'edge.crt');
      return this.startWith(round, file, () => flip(file, this.chance));
    },
    'bit-of-epoch': function (round) {
      return this.own(round, (audit) => flip(join(audit, 'epoch'), this.chance));
    },
    'bit-of-receipts': function (round) {
      return this.own(round, (audit) => (existsSync(join(audit, 'receipts')) ? flip(join(audit, 'receipts'), this.chance) : 'there are no receipts'));
    },
    'bit-of-the-telemetry-backlog': function (round) {
      return this.own(round, (audit, data) => {
        // Not the last block of all: a rotten one looks like what a crash leaves.
        const written = segments(join(data, 'telemetry')).flatMap((segment) => segment.frames.map((_, index) => ({ segment, index })));
        const { segment, index } = this.chance.pick(written.slice(0, -1));
        const done = flipFrame(segment, this.chance, index);
        const verify = this.stack.run(['wal', 'verify', join(data, 'telemetry')]);
        if (verify.code !== 3) {
          round.undetected += 1;
          round.examples = [`undetected: ${done}: fluxrig wal verify exits ${verify.code}: ${verify.out}`];
        }
        return `${done}, named by wal verify`;
      });
    },
    'bit-of-lock': function (round) {
      return this.own(round, (audit) => flip(join(audit, 'lock'), this.chance));
    },
    'bit-of-a-spare': function (round) {
      return this.own(round, (audit) => {
        // Reserved for the next segment; 'spare-' only while an old one is made into one.
        const spare = readdirSync(audit).find((name) => /^(reserve|spare)-/.test(name));
        return spare ? flip(join(audit, spare), this.chance) : 'there is no spare segment';
      });
    },
  };
}
