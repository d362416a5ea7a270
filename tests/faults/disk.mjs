// The edge rack's disk: full, full at a start, read-only while it runs (as after an I/O error), read-only at a start. The disk
// is a file system of its own in a file, mounted by loop.
import { pause, until } from '../e2e/waiting.mjs';
import { fluxrig } from '../e2e/stack.mjs';
import { LoopDisk, root } from './loop_disk.mjs';
import { World } from './world.mjs';

// 64 MiB are left free by a rack; some segments must fit beside them.
const DISK_BYTES = 160 << 20;

export class Disk extends World {
  static title = 'disk';
  peer = 'host';

  static lacks() {
    return LoopDisk.lacks();
  }

  options() {
    this.disk = new LoopDisk(this.stack.path('disk.img'), this.stack.path('disk'), DISK_BYTES);
    return { edge: { data: this.dataOf('edge') } };
  }

  dataOf(rack) {
    return rack === 'edge' ? `${this.stack.path('disk')}/edge` : this.stack.path(rack);
  }

  release() {
    this.disk?.release();
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
      this.disk.fill();
      try {
        await this.refused();
        await pause(this.chance.between(0, 1_500));
        if (this.stack.processes.get('edge').result) throw new Error('a full disk ended the rack');
      } finally {
        this.disk.free();
      }
    },
    // Killed while full: the next start finds no space either, and must not harm what is there.
    async 'full-disk-kill'() {
      this.disk.fill();
      try {
        await this.refused();
        await this.stack.stop('edge', 'SIGKILL');
        this.spawnEdge();
        await pause(this.chance.between(300, 1_500));
        await this.stack.stop('edge', 'SIGKILL');
      } finally {
        this.disk.free();
      }
      await this.restart('edge');
    },
    async 'read-only-start'() {
      await this.stack.stop('edge', 'SIGKILL');
      root('mount', ['-o', 'remount,ro', this.disk.directory]);
      try {
        this.spawnEdge();
        const { code } = await until('the rack ends on a read-only disk', () => this.stack.processes.get('edge').result);
        if (code !== 1 || !/read-only/i.test(this.stack.log('edge'))) throw new Error(`exit ${code}, and it said: ${this.stack.log('edge').slice(-300)}`);
      } finally {
        root('mount', ['-o', 'remount,rw', this.disk.directory]);
      }
      await this.restart('edge');
    },
    // The file system stops taking writes under the running rack, as ext4 does after an I/O error.
    async 'read-only-live'() {
      root('mount', ['-o', 'remount,abort', this.disk.directory]);
      await this.refused();
      if (this.stack.processes.get('edge').result) throw new Error('a read-only disk ended the rack');
      await this.stack.stop('edge', 'SIGKILL');
      root('umount', [this.disk.directory]);
      root('e2fsck', ['-p', this.disk.image]);
      this.disk.mount();
      await this.restart('edge');
    },
  };
}
