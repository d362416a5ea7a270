// The narrow run over time: what the rack's telemetry did, and what its questions over the bus took meanwhile.
import { draw } from './chart.mjs';
import { FLOWS, STATES } from './pressure_picture.mjs';
import { quantilesOf, rates, spans, transitionsOf } from './series.mjs';

const COLOURS = ['#757575', '#2e7d32', '#b3261e', '#1565c0'];
const STEP_SECONDS = 2;

// After world.collect().
export function drawLanes(world) {
  const at = (time) => (time - world.start) / 1e3;
  const { bitsPerSecond, delayMicros } = world.settings.wire;
  const end = world.series.get('backlog').at(-1)[0];
  const changes = [{ at: 0, ...STATES.normal }, ...transitionsOf(world.stack.log('edge')).map(({ time, to }) => ({ at: at(time), ...STATES[to] }))];
  const answers = world.slices.flatMap((slice) => slice.answers).map(({ due, latency }) => [at(due), latency]);
  const kilobytes = (points) => points.map(([time, bytes]) => [at(time), bytes / 1e3]);
  return draw({
    title: 'Business messages over a narrow wire, while telemetry does its worst',
    subtitle: `${bitsPerSecond / 1e6} Mbit/s, ${delayMicros / 1e3} ms each way; ${world.asked} questions a second over the bus, ${world.sold} other transactions a second on the same rack`,
    seconds: at(end),
    panels: [
      { title: 'Measured', rows: [
        { name: 'slice', spans: world.slices.map(({ mode, from, to }) => ({ from: at(from), to: at(to), word: mode, colour: COLOURS[world.modes.indexOf(mode)] })) },
        { name: 'state', spans: spans(changes, at(end)) }] },
      { title: 'Time of a question and its answer over the bus', unit: 'ms', hole: 2 * STEP_SECONDS,
        lines: [0.5, 0.99].map((q, i) => ({ name: `p${q * 100}`, colour: ['#6a1b9a', '#ce93d8'][i], points: quantilesOf(answers, q, STEP_SECONDS) })) },
      { title: 'What the rack sends, by lane', unit: 'kB/s', hole: 4,
        lines: Object.entries(FLOWS).map(([flow, colour]) => ({ name: flow.replace('_', ' '), colour, points: rates(kilobytes(world.series.get(flow) ?? [])) })) },
      { title: 'Backlog on the rack\u2019s disk', unit: 'kB', hole: 4, lines: [{ name: 'backlog', colour: '#1565c0', points: kilobytes(world.series.get('backlog')) }] },
    ],
  });
}
