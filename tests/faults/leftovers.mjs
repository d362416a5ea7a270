// Mounts, namespaces and directories of runs that were ended by force. Their names hold the id of the process that made
// them; only those whose process is gone are cleared.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const OURS = /fluxrig-faults-(\d+)-/;

const gone = (text) => {
  const match = OURS.exec(text);
  return match && !existsSync(`/proc/${match[1]}`);
};

// Directories stay when `keep`: a failed round may have been kept in one.
export function clearLeftovers() {
  for (const line of readFileSync('/proc/mounts', 'utf8').split('\n')) {
    const target = line.split(' ')[1] ?? '';
    if (gone(target)) spawnSync('umount', ['-l', target]);
  }
  const namespaces = '/run/netns';
  for (const name of existsSync(namespaces) ? readdirSync(namespaces) : []) if (gone(name)) spawnSync('ip', ['netns', 'del', name]);
}

// What a passed run leaves behind of its own.
export function removeOwn() {
  for (const name of readdirSync(tmpdir())) if (name.startsWith(`fluxrig-faults-${process.pid}-`)) rmSync(join(tmpdir(), name), { recursive: true, force: true });
}
