// The ledger of what was answered against what the mixer's store holds.
import { until, untilDrained } from '../e2e/waiting.mjs';

const ROWS_A_PAGE = 50_000;
// A comparison that cannot fail proves nothing: this one has to be missing.
const NEVER_MADE = '01900000-0000-7000-8000-000000000000';

// All rows of a select, in pages by a column that has each value once.
async function rowsOf(stack, sql, key) {
  const rows = [];
  for (;;) {
    const after = rows.length ? ` where ${key} > '${rows.at(-1)[key]}'` : '';
    const page = await stack.rows(`select * from (${sql})${after} order by ${key} limit ${ROWS_A_PAGE}`);
    rows.push(...page);
    if (page.length < ROWS_A_PAGE) return rows;
  }
}

const count = (rows, key) => {
  const counts = new Map();
  for (const row of rows) counts.set(row[key], (counts.get(row[key]) ?? 0) + Number(row.copies));
  return counts;
};

// Waits until everything that was answered is stored, or the patience is over. Gives the flux_ids that `rack` lacks, those that
// the store says were not answered, and those that the `peer` lacks (found by element 41, which is the message's own).
export async function missing(stack, answered, { rack = 'edge', peer, milliseconds = 90_000 } = {}) {
  let found;
  try {
    await until('everything answered is stored', async () => {
      found = await compare(stack, answered, rack, peer);
      return found.lost.length === 0;
    }, milliseconds);
  } catch (error) {
    if (!found) throw error;
  }
  const { lost } = await compare(stack, [NEVER_MADE], rack, peer);
  if (lost.length !== 1) throw new Error('the comparison does not find what is missing');
  return found;
}

// Late is not lost: what an outage left on a rack's disk trickles in beside fresh records. Waits as long as it still shrinks; what
// does not arrive then is for the comparison to find.
export function replayed(stack, { patience = 60_000, longest = 900_000, every = 1_000 } = {}) {
  return untilDrained(async () => {
    const { racks } = await stack.api('/api/v1/racks');
    return racks.reduce((sum, { pressure }) => sum + (pressure?.backlog_bytes ?? 0), 0);
  }, { patience, longest, every });
}

async function compare(stack, answered, rack, peer) {
  const rows = await rowsOf(stack, `select flux_id, any_value(outcome) as outcome, any_value(attributes['iso8583.41']) as terminal, count(*) as copies
    from transactions where rack = '${rack}' group by flux_id`, 'flux_id');
  const stored = new Map(rows.map((row) => [row.flux_id, row]));
  const lost = answered.filter((id) => stored.get(id)?.outcome !== 'answered').map((id) => ({ id, where: rack }));
  const doubled = [...count(rows, 'flux_id')].filter(([, copies]) => copies > 1).map(([id]) => ({ id, where: rack }));
  if (peer) {
    const there = count(await rowsOf(stack, `select attributes['iso8583.41'] as terminal, count(*) as copies from transactions where rack = '${peer}'
      and outcome = 'answered' and attributes['iso8583.41'] is not null group by all`, 'terminal'), 'terminal');
    for (const id of answered) {
      if (!stored.has(id)) continue;
      const copies = there.get(stored.get(id).terminal) ?? 0;
      if (copies === 0) lost.push({ id, where: peer });
      if (copies > 1) doubled.push({ id, where: peer });
    }
  }
  return { lost, doubled, stored: rows.length };
}

// Records that are stored twice, whatever they are.
export async function storedTwice(stack) {
  const twice = (table, where = '') => stack.number(`select count(*) - count(distinct (machine_id, lane, epoch, seq)) from ${table} ${where}`);
  return await twice('transactions') + await twice('spans', 'where not is_root') + await twice('metrics') +
    await twice('logs', "where event_name is distinct from 'fluxrig.transaction'");
}

// What the mixer has found wrong with the racks' chains, resolved or not; `notice`: said by the rack itself.
export function alarms(stack) {
  return stack.rows('select id, kind, notice, epoch, what from audit_alarms order by id');
}
