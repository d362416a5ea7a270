// What a run prints: a line for each round, and the table at the end.
const start = Date.now();
export const say = (text) => console.log(`[${((Date.now() - start) / 1000).toFixed(1).padStart(6)} s] ${text}`);

export const problems = (round) => ['lost', 'doubled', 'undetected'].reduce((sum, word) => sum + (round[word] ?? 0), 0) + (round.failed ? 1 : 0);

const COLUMNS = ['rounds', 'failed', 'lost', 'doubled', 'undetected'];

export function printTable(rounds) {
  const rows = new Map();
  for (const round of rounds) {
    for (const key of [round.name, 'all']) {
      const row = rows.get(key) ?? rows.set(key, Object.fromEntries(COLUMNS.map((column) => [column, 0]))).get(key);
      row.rounds += 1;
      row.failed += round.failed ? 1 : 0;
      for (const word of ['lost', 'doubled', 'undetected']) row[word] += round[word] ?? 0;
    }
  }
  const total = rows.get('all');
  rows.delete('all');
  const line = (name, values) => console.log(`  ${name.padEnd(34)}${values.map((value) => String(value).padStart(11)).join('')}`);
  line('fault', COLUMNS);
  for (const [name, row] of [...rows].sort()) line(name, COLUMNS.map((column) => row[column]));
  line('all', COLUMNS.map((column) => total?.[column] ?? 0));
  return total;
}
