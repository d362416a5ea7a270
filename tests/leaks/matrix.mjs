// The two tables of docs/security.md as a run makes them: ways in x encodings, places x decoders. A run compares them with the
// document, so that it cannot say more than was done; `--docs` writes them.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { BYTES, FAMILIES, OWN, TEXTS } from './encodings.mjs';
import { DECODED } from './search.mjs';

const DOCUMENT = fileURLToPath(new URL('../../docs/security.md', import.meta.url));
const row = (cells) => `| ${cells.join(' | ')} |`;
const table = (head, rows) => [row(head), `|${head.map(() => '---').join('|')}|`, ...rows.map(row)].join('\n');

// An x: each encoding of the column went through this way in. `part`: some of them did.
export function waysTable(crossed) {
  const known = new Set([OWN, ...Object.keys(TEXTS), ...Object.keys(BYTES)]);
  for (const encodings of Object.values(FAMILIES)) encodings.forEach((encoding) => known.delete(encoding));
  if (known.size > 0) throw new Error(`in no column: ${[...known].join(', ')}`);
  const rows = [...crossed].map(([way, encodings]) => [way, ...Object.values(FAMILIES).map((family) => {
    const through = family.filter((encoding) => encodings.has(encoding)).length;
    return through === family.length ? 'x' : through > 0 ? 'part' : '';
  })]);
  return table(['way in \\ encoding', ...Object.keys(FAMILIES)], rows.sort(([a], [b]) => (a < b ? -1 : 1)));
}

export function placesTable(places) {
  return table(['place \\ decoder', ...DECODED], places.filter(({ bytes }) => bytes > 0).map(({ place }) => [place, ...DECODED.map(() => 'x')]));
}

const pattern = (name) => new RegExp(`(<!-- leaks: ${name} -->\\n)([\\s\\S]*?)(\\n<!-- end -->)`);

export function documented(name) {
  return pattern(name).exec(readFileSync(DOCUMENT, 'utf8'))?.[2];
}

export function write(name, text) {
  const before = readFileSync(DOCUMENT, 'utf8');
  if (!pattern(name).test(before)) throw new Error(`${DOCUMENT} has no place for the table '${name}'`);
  writeFileSync(DOCUMENT, before.replace(pattern(name), (_, head, __, end) => head + text + end));
}
