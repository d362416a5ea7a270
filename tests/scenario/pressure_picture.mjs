// The pictures of a pressure run, out of what was measured and nothing else: the racks' logs, the leases as an outsider saw them, the
// loads' ledgers, the racks' metrics in the store, the samples.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { draw } from './chart.mjs';
import { binned, quantilesOf, rates, repliesOf, spans, spansOfSamples, transitionsOf } from './series.mjs';

export const STATES = {
  normal: { word: 'NORMAL', colour: '#2e7d32' }, restrict: { word: 'RESTRICT', colour: '#b8860b' },
  divert: { word: 'DIVERT', colour: '#b3261e' }, replay: { word: 'REPLAY', colour: '#1565c0' },
};
const LEVELS = ['#9ccc9c', '#b8860b', '#b3261e', '#6a1b1a'];
export const FLOWS = { live_audit: '#2e7d32', live_telemetry: '#9ccc65', backlog_audit: '#1565c0', backlog_telemetry: '#90caf9' };

class Picture {
  constructor(world, run) {
    Object.assign(this, { world, run });
    this.end = run.sampler.samples.at(-1).time;
    this.seconds = (this.end - run.start) / 1e3;
  }

  at(time) {
    return (time - this.run.start) / 1e3;
  }

  marks() {
    return this.run.marks.map(({ time, word }) => ({ at: this.at(time), word }));
  }

  stateRow(rack) {
    const log = this.run.logs?.[rack] ?? this.world.stack.log(rack);
    const changes = [{ at: 0, ...STATES.normal }, ...transitionsOf(log).map(({ time, to }) => ({ at: this.at(time), ...STATES[to] }))];
    return { name: rack, spans: spans(changes, this.seconds) };
  }

  leaseRow() {
    const samples = this.run.observer.leases.map(({ time, level }) => ({ at: this.at(time), word: `level ${level}`, colour: LEVELS[level] }));
    return { name: 'mixer', spans: spansOfSamples(samples, this.seconds) };
  }

  // As the mixer shows it to an operator: what the rack said last, or that it is gone.
  shownRow() {
    const samples = this.run.sampler.samples.filter(({ racks }) => racks?.edge).map(({ time, racks }) => {
      const { state, pressure } = racks.edge;
      const known = STATES[pressure?.state];
      return { at: this.at(time), ...(state === 'present' && known ? known : { word: state, colour: '#757575' }) };
    });
    return { name: 'fluxrig racks', spans: spansOfSamples(samples, this.seconds) };
  }

  async metric(name, cause) {
    const rows = await this.world.stack.rows(`select epoch_ns(time) as at, value from metrics where rack = 'edge' and name = '${name}'
      ${cause ? `and attributes['fluxrig.cause'] = '${cause}'` : ''} order by time`);
    return rows.map(({ at, value }) => [this.at(Number(at) / 1e6), Number(value)]);
  }

  async flows() {
    const lines = [];
    for (const [cause, colour] of Object.entries(FLOWS)) {
      lines.push({ name: cause.replace('_', ' '), colour, points: rates(await this.metric('fluxrig.link.sent', cause)).map(([at, value]) => [at, value / 1e3]) });
    }
    const lease = this.run.observer.leases.filter(({ machine }) => machine === this.run.machine).map(({ time, replay }) => [this.at(time), replay / 1e3]);
    lines.push({ name: 'budget of replay', colour: '#b00020', points: lease });
    return lines;
  }

  latencies(load, colours) {
    const replies = repliesOf(readFileSync(load.ledger, 'utf8')).filter(({ status }) => status === 200).map(({ time, latency }) => [this.at(time - latency), latency]);
    return [0.5, 0.99].map((q, i) => ({ name: `${load.name} p${q * 100}`, colour: colours[i], points: quantilesOf(replies, q) }));
  }

  refusals(load, colour) {
    const replies = repliesOf(readFileSync(load.ledger, 'utf8')).filter(({ status }) => status !== 200).map(({ time }) => [this.at(time), 1]);
    return { name: `${load.name} refused`, colour, points: binned(replies, this.seconds) };
  }

  sampled(pick) {
    return this.run.sampler.samples.filter((sample) => pick(sample) !== undefined).map((sample) => [this.at(sample.time), pick(sample)]);
  }
}

export async function drawRun(world, run, directory) {
  const picture = new Picture(world, run);
  const common = { seconds: picture.seconds, marks: picture.marks() };
  const bands = { title: 'State', rows: [picture.stateRow('edge'), picture.stateRow('host'), picture.leaseRow(), picture.shownRow()] };
  const { shop, kiosk, settings } = run;
  const pictures = {
    'pressure.svg': draw({
      ...common, title: 'The pressure chain, by itself',
      subtitle: `${settings.shop} requests a second answered at the edge, ${settings.kiosk} over the bus; wire of 4 Mbit/s, 20 ms each way; real servers`,
      panels: [
        bands,
        { title: 'What the edge sends, by lane', unit: 'kB/s', lines: await picture.flows(), hole: 4 },
        { title: 'Backlog on the edge\u2019s disk', unit: 'kB', hole: 4, lines: [{ name: 'backlog', colour: '#1565c0', points: (await picture.metric('fluxrig.link.backlog')).map(([at, value]) => [at, value / 1e3]) }] },
        { title: 'P0 latency', unit: 'ms', log: true, lines: [...picture.latencies(shop, ['#2e7d32', '#81c784']), ...picture.latencies(kiosk, ['#6a1b9a', '#ba68c8'])] },
        { title: 'Answers other than 200 (the bus is away)', unit: 'a second', lines: [picture.refusals(shop, '#2e7d32'), picture.refusals(kiosk, '#6a1b9a')] },
        { title: 'Rows into the store', unit: 'a second', lines: [{ name: 'rows', colour: '#00695c', points: rates(picture.sampled(({ rows }) => rows)) }] },
        { title: 'Resident memory', unit: 'MiB', lines: [
          { name: 'edge', colour: '#2e7d32', points: picture.sampled(({ memory }) => memory.edge?.resident && memory.edge.resident / 2 ** 20) },
          { name: 'mixer', colour: '#00695c', points: picture.sampled(({ memory }) => memory.mixer?.resident && memory.mixer.resident / 2 ** 20) }] },
      ],
    }),
  };
  mkdirSync(directory, { recursive: true });
  return Object.entries(pictures).map(([name, svg]) => {
    writeFileSync(`${directory}/${name}`, svg);
    return `${directory}/${name}`;
  });
}
