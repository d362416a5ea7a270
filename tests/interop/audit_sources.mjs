// `node audit_sources.mjs PATH [KEY...]` prints JSON; exit 0, 3 (faults), 1 (unreadable).
// Where the blocks of a chain come from: a lane's directory (docs/formats/wal.md) or a bundle (docs/formats/audit.md).
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Verifier, block, sha256 } from './audit_verifier.mjs';
import { hex, item, map, need } from './cbor_minimal.mjs';
import { crc32c } from './crc32c.mjs';

// [block or undefined, offset behind the frame] at `at`; undefined: no valid frame.
function frame(bytes, at) {
  if (bytes[at] !== 0x82 || bytes[at + 1] !== 0x1a) return undefined;
  try {
    const [content, end] = item(bytes, at + 6);
    return Buffer.isBuffer(content) && bytes.readUInt32BE(at + 2) === crc32c(content) && block(content) ? [content, end] : undefined;
  } catch { return undefined; }
}

function directory(path, keys) {
  const files = readdirSync(path).map((name) => /^(\d{20})-([1-9]\d*)\.wal$/.exec(name)).filter(Boolean)
    .map(([name, first, epoch]) => ({ name, first: BigInt(first), epoch: BigInt(epoch) }))
    .sort((a, b) => Number(a.epoch - b.epoch) || (a.first < b.first ? -1 : 1));
  const forgiven = [];
  if (existsSync(join(path, 'receipts'))) {
    const numbers = map(item(readFileSync(join(path, 'receipts')), 6)[0])(1);
    for (let i = 0; i < numbers.length; i += 3) forgiven.push(numbers.slice(i, i + 3));
  }
  const verifier = new Verifier(keys, forgiven);
  files.forEach(({ name, first, epoch }, index) => {
    const bytes = readFileSync(join(path, name));
    let content = bytes.length;
    while (content > 0 && bytes[content - 1] === 0) content -= 1;
    let sealed = false;
    let expected = first;
    for (let at = 0; at < content;) {
      const found = frame(bytes, at);
      if (found) {
        const b = block(found[0]);
        if (b.epoch === epoch) {
          verifier.add(found[0]);
          sealed = b.kind === 5;
          expected = b.first + b.count;
        } else verifier.noFrame(epoch, expected);
        at = found[1];
      } else {
        let next = at + 1;
        while (next < content && !frame(bytes, next)) next += 1;
        if (next < content || sealed || index + 1 < files.length) verifier.noFrame(epoch, expected);
        at = next;
      }
    }
  });
  return [verifier.finish()];
}

function bundle(bytes, keys) {
  const [head, start] = item(bytes);
  need(head instanceof Map && head.get(0n) === 'fluxrig-audit-bundle' && head.get(1n) === 1n, 'no bundle');
  const machines = new Map(head.get(3n).map(([id, , own]) => [hex(id), new Verifier(keys.length ? keys : own.map(hex))]));
  let at = start;
  let current;
  for (let blocks = 0n; ; blocks += 1n) {
    const [value, end] = item(bytes, at);
    if (value instanceof Map) {
      need(value.get(0n) === 'fluxrig-audit-end' && value.get(1n) === blocks && end === bytes.length, 'cut');
      need(hex(value.get(2n)) === sha256(bytes.subarray(0, at)), 'not the bytes that were written');
      return [...machines.values()].map((one) => one.finish());
    }
    try { current = block(value).machine; } catch { /* of the machine before */ }
    need(machines.has(current), 'a machine that is not listed');
    machines.get(current).add(value);
    at = end;
  }
}

export function verifyPath(path, keys = []) {
  if (!statSync(path).isDirectory()) return bundle(readFileSync(path), keys);
  return directory(existsSync(join(path, 'audit')) ? join(path, 'audit') : path, keys);
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    const machines = verifyPath(process.argv[2], process.argv.slice(3));
    console.log(JSON.stringify(machines, (_, value) => (typeof value === 'bigint' ? Number(value) : value)));
    process.exitCode = machines.every((one) => one.faults.length === 0) ? 0 : 3;
  } catch (error) {
    console.error(`audit_sources: ${error.message}`);
    process.exitCode = 1;
  }
}
