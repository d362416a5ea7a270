// The wall clock of a rack or the mixer jumps, while it runs and between two starts.
import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { timeOf } from './traffic.mjs';
import { World } from './world.mjs';

const HOUR = 3_600_000;
const SOURCE = fileURLToPath(new URL('clock_shim.c', import.meta.url));

// Half a day ahead to begin with, so that no jump leads to before the certificates begin.
const BEGIN = 12 * HOUR;

function makeLibrary(stack) {
  const library = stack.path('clock.so');
  const done = spawnSync('cc', ['-O1', '-shared', '-fPIC', '-o', library, SOURCE, '-ldl'], { encoding: 'utf8' });
  if (done.status !== 0) throw new Error(`cc ${SOURCE}: ${done.stderr}`);
  return library;
}

// Mapped by the process, so never truncated.
function setClock(stack, name, milliseconds) {
  const file = stack.path(`${name}.clock`);
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(BigInt(milliseconds) * 1_000_000n);
  writeFileSync(file, bytes, { flag: existsSync(file) ? 'r+' : 'w' });
}

// For a single command.
export function clockEnvironment(stack, name, milliseconds, library = makeLibrary(stack)) {
  setClock(stack, name, milliseconds);
  return { LD_PRELOAD: library, FAULTS_CLOCK: stack.path(`${name}.clock`) };
}

// The process of this name sees a wall clock of its own from its next start on.
export function presetClock(stack, name, milliseconds, library = makeLibrary(stack)) {
  setClock(stack, name, milliseconds);
  stack.prefixes.set(name, ['env', `LD_PRELOAD=${library}`, `FAULTS_CLOCK=${stack.path(`${name}.clock`)}`]);
}

const jump = (name, low, high) => async function () {
  const offset = this.chance.between(low, high);
  this.set(name, offset);
  return this.told(name);
};

const restartAt = (name, low, high) => async function () {
  await this.stack.stop(name, 'SIGKILL');
  this.set(name, this.chance.between(low, high));
  await this.restart(name);
  return this.told(name);
};

export class ClockJumps extends World {
  static title = 'clock';
  peer = 'host';
  offsets = new Map();

  static lacks() {
    return spawnSync('cc', ['--version']).status === 0 ? undefined : 'there is no C compiler `cc`; install build-essential';
  }

  async open() {
    const library = makeLibrary(this.stack);
    for (const name of ['edge', 'host', 'mixer']) {
      presetClock(this.stack, name, BEGIN, library);
      this.offsets.set(name, BEGIN);
    }
    await super.open();
    const ahead = timeOf(this.traffic.probes[0].id) - Date.now();
    if (Math.abs(ahead - BEGIN) > HOUR) throw new Error(`the clock of the edge is ${ahead} ms ahead, not ${BEGIN}: the library that sets it has no effect`);
  }

  set(name, milliseconds) {
    setClock(this.stack, name, milliseconds);
    this.before = this.offsets.get(name);
    this.offsets.set(name, milliseconds);
  }

  told(name) {
    return `${((this.offsets.get(name) - this.before) / 60_000).toFixed(1)} minutes`;
  }

  // A flux_id's time is that of a clock that jumped.
  roundOf(rounds) {
    return rounds.at(-1);
  }

  static faults = {
    'edge-jumps': jump('edge', 0, 24 * HOUR),
    'edge-jumps-a-little': async function () {
      this.set('edge', this.offsets.get('edge') + this.chance.between(-1_500, 1_500));
      return this.told('edge');
    },
    'edge-restarts-at-another-time': restartAt('edge', 0, 24 * HOUR),
    'host-jumps': jump('host', 0, 24 * HOUR),
    'host-restarts-at-another-time': restartAt('host', 0, 24 * HOUR),
    'mixer-jumps': jump('mixer', 0, 24 * HOUR),
    'mixer-restarts-at-another-time': restartAt('mixer', 0, 24 * HOUR),
  };
}
