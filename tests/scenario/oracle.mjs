// After the scenario: everything that was answered is stored once, the chains verify, nobody was alarmed, the ledger of telemetry is
// exact, and the backlog kept inside what the mixer gave it.
import { readFileSync } from 'node:fs';
import { until } from '../e2e/suite.mjs';
import { alarms, missing, storedTwice } from '../faults/oracle.mjs';
import { must } from './claims.mjs';
import { quantile, repliesOf, transitionsOf } from './series.mjs';

// A second of replay may exceed its budget by that much: a chunk that begins in it, and the bucket's burst.
const BURST_BYTES = 2 * 24 * 1024;
const MOST_OVER_BUDGET = 1.1;
const SAME_EXPORT_MS = 200;  // the counters of one export are read one after another

export async function judge(world, run, claims) {
  const { stack } = world;
  await claims.hold('P0: the shop is answered all the while', () => answeredAlways(run));
  await claims.hold('P1: everything answered is stored, once', () => storedOnce(world, run));
  await claims.hold('nobody is alarmed', async () => {
    const found = await alarms(stack);
    must(found.length === 0, `${found.length} alarms: ${found.slice(0, 3).map(({ kind, what }) => `${kind}: ${what}`).join('; ')}`);
  });
  await claims.hold('fluxrig audit verify --mixer', () => {
    const done = stack.run(['audit', 'verify', '--mixer'], { timeout: 120_000 });
    must(done.code === 0, `exit ${done.code}: ${done.err}${done.out}`);
    return done.out.trim().split('\n').find((line) => /records/.test(line)) ?? must(false, `no count of records: ${done.out}`);
  });
  await claims.hold('the backlog keeps inside its budget', () => insideBudget(world, run));
  await claims.hold('no pressure comes back while the backlog drains', () => noSecondStorm(world, run));
  await claims.hold('P2: the drop ledger is exact', () => ledgerExact(world));
  run.logs = Object.fromEntries(world.racks.map((rack) => [rack, stack.log(rack)]));
  await claims.hold('both racks end in order, and their disks verify', async () => {
    await run.sampler.stop();
    await world.verify();
  });
  return true;
}

async function answeredAlways(run) {
  await run.shop.stop();
  await run.kiosk.stop();
  const replies = repliesOf(readFileSync(run.shop.ledger, 'utf8'));
  const refused = replies.filter(({ status }) => status !== 200);
  const took = replies.map(({ latency }) => latency).sort((a, b) => a - b);
  must(replies.length > 0, 'nothing was asked');
  must(refused.length === 0, `${refused.length} of ${replies.length} were answered with ${refused[0]?.status}`);
  return `${replies.length} answers; p50 ${quantile(took, 0.5).toFixed(1)} ms, p99 ${quantile(took, 0.99).toFixed(1)} ms, longest ${took.at(-1).toFixed(0)} ms`;
}

async function storedOnce(world, run) {
  const answered = [...run.shop.answered(), ...run.kiosk.answered()];
  must(new Set(answered).size === answered.length, 'the ledger has one flux_id twice');
  const found = await missing(world.stack, answered);
  must(found.lost.length === 0, `${found.lost.length} of ${answered.length} are lost: ${found.lost.slice(0, 3).map(({ id }) => id)}`);
  must(found.doubled.length === 0, `${found.doubled.length} are stored twice`);
  const twice = await storedTwice(world.stack);
  must(twice === 0, `${twice} records are stored twice`);
  return `${answered.length} answered, 0 lost, 0 doubled`;
}

// Bytes that the edge sent out of its backlog, as it counts them, against the leases that it had.
async function insideBudget(world, run) {
  const points = await until('the figures of the drained backlog are stored', async () => {
    const rows = await flowOf(world, 'backlog');
    return rows.length > 1 && rows.at(-1).bytes > 0 && rows;
  }, 30_000);
  const { sent, seconds, worst } = overBudget(points, run.observer.leases.filter(({ machine }) => machine === run.machine));
  must(sent > 0, 'nothing was replayed: the comparison would prove nothing');
  must(worst <= MOST_OVER_BUDGET, `a stretch of the replay sent ${worst.toFixed(2)} times its budget (at most ${MOST_OVER_BUDGET})`);
  return `${sent} bytes of backlog in ${seconds.toFixed(0)} s, never more than ${worst.toFixed(2)} times the budget`;
}

// The sum of what the edge sent of its `flow` ('live' or 'backlog') in both lanes: [{ time (ms), bytes }].
async function flowOf(world, flow) {
  const rows = await world.stack.rows(`select epoch_ns(time) as at, attributes['fluxrig.cause'] as cause, value from metrics where rack = 'edge'
    and name = 'fluxrig.link.sent' and attributes['fluxrig.cause'] like '${flow}%' order by time`);
  const last = new Map();
  const points = [];
  for (const { at, cause, value } of rows) {
    last.set(cause, Number(value));
    const time = Number(at) / 1e6;
    if (points.length && time - points.at(-1).time < SAME_EXPORT_MS) points.pop();
    points.push({ time, bytes: [...last.values()].reduce((sum, bytes) => sum + bytes, 0) });
  }
  return points;
}

// Over each stretch of five figures (about 5 s): what was sent, against the largest budget of a lease that held in it.
function overBudget(points, leases) {
  const WINDOW = 5;
  let worst = 0;
  let seconds = 0;
  for (let i = 1; i < points.length; i += 1) if (points[i].bytes > points[i - 1].bytes) seconds += (points[i].time - points[i - 1].time) / 1e3;
  for (let i = WINDOW; i < points.length; i += 1) {
    const [from, to] = [points[i - WINDOW], points[i]];
    const budget = Math.max(0, ...leases.filter(({ time, validMillis }) => time <= to.time && time + validMillis >= from.time).map(({ replay }) => replay));
    const allowed = (budget * (to.time - from.time)) / 1e3 + BURST_BYTES;
    worst = Math.max(worst, (to.bytes - from.bytes) / allowed);
  }
  return { worst, seconds, sent: points.at(-1).bytes - points[0].bytes };
}

// From REPLAY on the mixer's level stays at 0, and the store takes what comes.
async function noSecondStorm(world, run) {
  const replay = transitionsOf(world.stack.log('edge')).findLast(({ to }) => to === 'replay');
  const after = run.observer.leases.filter(({ time }) => time > replay.time);
  must(after.length > 0, 'no lease was seen since');
  const bad = after.find(({ level }) => level > 0);
  must(!bad, `the mixer's level rose to ${bad?.level}: ${bad?.cause}`);
  const samples = run.sampler.samples.filter(({ time, rows }) => time > replay.time && rows !== undefined);
  const failures = samples.at(-1).commitFailures - samples[0].commitFailures;
  must(failures === 0, `${failures} commits failed meanwhile`);
  let most = 0;
  for (let i = 4; i < samples.length; i += 1) most = Math.max(most, ((samples[i].rows - samples[i - 4].rows) * 1e3) / (samples[i].time - samples[i - 4].time));
  return `${after.length} leases of level 0; at most ${most.toFixed(0)} rows a second over 2 s`;
}

async function ledgerExact(world, patience = 120_000) {
  // Of running racks the statement is up to a minute old; what waits is no difference.
  let said = '';
  await until('the ledger is exact', () => {
    const done = world.stack.run(['audit', 'ledger'], { timeout: 30_000 });
    said = `exit ${done.code}: ${done.err}${done.out}`;
    if (done.code !== 0) throw new Error(said);
    return true;
  }, patience);
  return said.trim().split('\n').at(-1);
}
