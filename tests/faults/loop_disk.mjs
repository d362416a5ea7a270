// A small ext4 file system in a file, mounted by loop, that a test can fill to the last byte.
import { spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, rmSync, truncateSync, writeSync } from 'node:fs';

const CHUNK = Buffer.alloc(1 << 20, 0x20);
const LEAST = 512;

// Runs a command; 1 is an answer, more is a failure.
export function root(program, args) {
  const done = spawnSync(program, args, { encoding: 'utf8' });
  if (done.status === null || done.status > 1) throw new Error(`${program} ${args.join(' ')}: exit ${done.status}: ${done.stderr}`);
  return done.status;
}

export class LoopDisk {
  // What is missing for one, with what to do; undefined when all is there.
  static lacks() {
    if (process.getuid() !== 0) return 'mounting needs root; run it as root, or leave the family out with --only';
    if (spawnSync('losetup', ['-f']).status !== 0) return 'there is no loop device (losetup -f fails); load the module `loop`, in a container give it /dev/loop-control';
    if (spawnSync('mkfs.ext4', ['-V']).status !== 0) return 'mkfs.ext4 is not there; install e2fsprogs';
    return undefined;
  }

  // Makes and mounts it.
  constructor(image, directory, bytes) {
    Object.assign(this, { image, directory });
    closeSync(openSync(image, 'w'));
    truncateSync(image, bytes);
    root('mkfs.ext4', ['-q', '-m', '0', image]);
    mkdirSync(directory, { recursive: true });
    this.mount();
  }

  mount() {
    if (root('mount', ['-o', 'loop', this.image, this.directory]) !== 0) throw new Error(`${this.image} cannot be mounted`);
  }

  release() {
    spawnSync('umount', ['-l', this.directory]);
  }

  fill() {
    const file = openSync(`${this.directory}/filler`, 'a');
    let length = CHUNK.length;
    try {
      while (length >= LEAST) {
        try {
          writeSync(file, CHUNK, 0, length);
        } catch (error) {
          if (error.code !== 'ENOSPC') throw error;
          length >>= 1;
        }
      }
    } finally {
      closeSync(file);
    }
  }

  // On disk: a file system that stops soon after (remount,abort) would have the file back.
  free() {
    rmSync(`${this.directory}/filler`, { force: true });
    root('sync', ['-f', this.directory]);
  }
}
