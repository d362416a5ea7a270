// The edge rack's disk: full, full at a start, read-only while it runs (as after an I/O error), read-only at a start. The disk
// is a file system of its own in a file, mounted by loop.
import { spawnSync } from 'node:child_process';
import { mkdirSync, openSync, closeSync, rmSync, truncateSync, writeSync } from 'node:fs';
import { until } from '../e2e/suite.mjs';
import { fluxrig } from '../e2e/stack.mjs';
import { pause, World } from './world.mjs';

// 64 MiB are left free by a rack; some segments must fit beside them.
const DISK_BYTES = 160 << 20;
const CHUNK = Buffer.alloc(1 << 20, 0x20);

const root = (program, args) => {
  const done = spawnSync(program, args, { encoding: 'utf8' });
  if (done.status === null || done.status > 1) throw new Error(`${program} ${args.join(' ')}: exit ${done.status}: ${done.stderr}`);
  return done.status;
};

export class Disk extends World {
  static title = 'disk';
  peer = 'host';

  static lacks() {
    if (process.getuid() !== 0) return 'mounting needs root; run it as root, or leave the family out with --only';
    if (spawnSync('losetup', ['-f']).status !== 0) return 'there is no loop device (losetup -f fails); load the module `loop`, in a container give it /dev/loop-control';
    if (spawnSync('mkfs.ext4', ['-V']).status !== 0) return 'mkfs.ext4 is not there; install e2fsprogs';
    return undefined;
  }

  options() {
    this.image = this.stack.path('disk.img');
    this.disk = this.stack.path('disk');
    closeSync(openSync(this.image, 'w'));
    truncateSync(this.image, DISK_BYTES);
    root('mkfs.ext4', ['-q', '-m', '0', this.image]);
    mkdirSync(this.disk);
    this.mount();
    return { edge: { data: this.dataOf('edge') } };
  }

  dataOf(rack) {
    return rack === 'edge' ? `${this.stack.path('disk')}/edge` : this.stack.path(rack);
  }

  mount() {
    if (root('mount', ['-o', 'loop', this.image, this.disk]) !== 0) throw new Error(`${this.image} cannot be mounted`);
  }

  release() {
    if (this.disk) spawnSync('umount', ['-l', this.disk]);
  }

  fill() {
    const file = openSync(`${this.disk}/filler`, 'a');
    try {
      for (;;) writeSync(file, CHUNK);
    } catch (error) {
      if (error.code !== 'ENOSPC') throw error;
    } finally {
      closeSync(file);
    }
  }

  free() {
    rmSync(`${this.disk}/filler`);
  }

  spawnEdge() {
    this.stack.spawn('edge', fluxrig, ['rack', this.stack.scenarios.get('edge')]);
  }

  // New work is refused in HTTP's own words. Segments that were preallocated may take work for a while.
  async refused() {
    await until('new work is refused with 503', async () => {
      const answer = await this.traffic.ask();
      if (answer.status === 503 && !/^\d+$/.test(answer.headers['retry-after'] ?? '')) throw new Error('503 without Retry-After');
      return answer.status === 503;
    }, 60_000);
  }

  static faults = {
    async 'full-disk'() {
      this.fill();
      try {
        await this.refused();
        await pause(this.chance.between(0, 1_500));
        if (this.stack.processes.get('edge').result) throw new Error('a full disk ended the rack');
      } finally {
        this.free();
      }
    },
    // Killed while full: the next start finds no space either, and must not harm what is there.
    async 'full-disk-kill'() {
      this.fill();
      try {
        await this.refused();
        await this.stack.stop('edge', 'SIGKILL');
        this.spawnEdge();
        await pause(this.chance.between(300, 1_500));
        await this.stack.stop('edge', 'SIGKILL');
      } finally {
        this.free();
      }
      await this.restart('edge');
    },
    async 'read-only-start'() {
      await this.stack.stop('edge', 'SIGKILL');
      root('mount', ['-o', 'remount,ro', this.disk]);
      try {
        this.spawnEdge();
        const { code } = await until('the rack ends on a read-only disk', () => this.stack.processes.get('edge').result);
        if (code !== 1 || !/read-only/i.test(this.stack.log('edge'))) throw new Error(`exit ${code}, and it said: ${this.stack.log('edge').slice(-300)}`);
      } finally {
        root('mount', ['-o', 'remount,rw', this.disk]);
      }
      await this.restart('edge');
    },
    // The file system stops taking writes under the running rack, as ext4 does after an I/O error.
    async 'read-only-live'() {
      root('mount', ['-o', 'remount,abort', this.disk]);
      await this.refused();
      if (this.stack.processes.get('edge').result) throw new Error('a read-only disk ended the rack');
      await this.stack.stop('edge', 'SIGKILL');
      root('umount', [this.disk]);
      root('e2fsck', ['-p', this.image]);
      this.mount();
      await this.restart('edge');
    },
  };
}
