// A file system of its own in a file, for what has to run out of space. Mounted by loop; leftovers.mjs finds what a killed run left.
import { spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, rmSync, statfsSync, truncateSync, writeSync } from 'node:fs';

const SLACK_BLOCKS = 64;  // for the file system's own

const must = (program, args) => {
  const done = spawnSync(program, args, { encoding: 'utf8' });
  if (done.status !== 0) throw new Error(`${program} ${args.join(' ')}: exit ${done.status}: ${done.stderr ?? done.error}`);
};

export class SmallDisk {
  static lacks() {
    if (spawnSync('losetup', ['-f']).status !== 0) return 'there is no loop device (losetup -f fails); load the module `loop`, in a container give it /dev/loop-control';
    if (spawnSync('mkfs.ext4', ['-V']).status !== 0) return 'mkfs.ext4 is not there; install e2fsprogs';
    return undefined;
  }

  constructor(image, directory, bytes) {
    Object.assign(this, { image, directory, bytes });
  }

  mount() {
    closeSync(openSync(this.image, 'w'));
    truncateSync(this.image, this.bytes);
    must('mkfs.ext4', ['-q', '-m', '0', this.image]);
    mkdirSync(this.directory, { recursive: true });
    must('mount', ['-o', 'loop', this.image, this.directory]);
  }

  // To the last block: what is free at one stroke, the rest by smaller and smaller pieces.
  fill() {
    const { bavail, bsize } = statfsSync(this.directory);
    must('fallocate', ['-l', String(Math.max(bavail - SLACK_BLOCKS, 1) * bsize), `${this.directory}/filler`]);
    const file = openSync(`${this.directory}/filler`, 'a');
    try {
      for (let size = 1 << 20; size >= 1; size >>= 2) {
        const piece = Buffer.alloc(size, 0x20);
        try {
          for (;;) writeSync(file, piece);
        } catch (error) {
          if (error.code !== 'ENOSPC') throw error;
        }
      }
    } finally {
      closeSync(file);
    }
  }

  empty() {
    rmSync(`${this.directory}/filler`, { force: true });
  }

  release() {
    spawnSync('umount', ['-l', this.directory]);
  }
}
