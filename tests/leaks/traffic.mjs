// What happens in one run: traffic while processes are killed, a time without a mixer, and what comes after.
import { presetClock } from '../faults/clock.mjs';
import { pause, until } from '../e2e/waiting.mjs';
import { files } from './places.mjs';

const HOUR = 3_600_000;
const SPANS_UNDER_KILL = 60;
const RACKS = ['edge', 'host'];
// Whom a kill takes, in turn; `bus` is the mixer's nats-server.
const VICTIMS = [['edge'], ['host'], ['mixer'], ['bus'], ['edge', 'mixer'], ['edge', 'host', 'mixer']];

async function welcomed(stack) {
  for (const rack of RACKS) await stack.waitLog(rack, 'welcomed this rack', 30_000).catch(() => {});
}

// The bus may be a moment away: its server is started again.
const listen = (run) => until('the bus is there again', () => run.world.listen().then(() => true), 30_000);

// kill -9 in the middle of the traffic; the disks are looked at as they were left.
async function killed(run, victims) {
  const { stack } = run.world;
  for (const name of victims) {
    if (name === 'bus') for (const pid of stack.childrenOf('mixer')) process.kill(pid, 'SIGKILL');
    else await stack.stop(name, 'SIGKILL');
  }
  run.keepFiles();
  if (victims.includes('mixer')) await stack.startMixer();
  for (const rack of victims.filter((name) => RACKS.includes(name))) await stack.startRack(rack, { welcomed: false });
  await welcomed(stack);
  await listen(run);
}

async function pushUnderKills(run, count, kills) {
  for (let kill = 0; kill < kills; kill += 1) {
    const pushing = Promise.all([run.push(Math.ceil(count / kills)), run.pushServices(SPANS_UNDER_KILL)]);
    await pause(100 + run.random.below(500));
    const release = run.hold();
    await killed(run, VICTIMS[kill % VICTIMS.length]);
    release();
    await pushing;
  }
}

export async function traffic(run, count, kills) {
  const { stack } = run.world;
  // The mixer takes what it has stored out of the streams: looked at before it has.
  for (let part = 0; part < 4; part += 1) {
    await run.push(Math.ceil(count * 0.1));
    run.keepFiles();
  }
  await run.pushConfiguration();
  await run.pushApi();
  await run.pushMonitor();
  await run.pushServices();
  await run.pushBus();
  await pushUnderKills(run, kills ? count * 0.3 : 0, kills);
  // Without a mixer: messages and telemetry stay on the rack's disk, and a kill leaves everything as it is.
  await stack.stop('mixer', 'SIGKILL');
  await run.push(Math.ceil(count * 0.15));
  await until('telemetry waits on the disk', () => files(stack.directory).some(([place, name, read]) =>
    place === 'rack: backlog of telemetry' && name.startsWith('edge/') && read().includes('fluxrig.gear.messages')), 60_000);
  await stack.stop('edge', 'SIGKILL');
  run.keepFiles();
  await stack.startRack('edge', { welcomed: false });
  await stack.startMixer();
  await welcomed(stack);
  await listen(run);
  await run.push(Math.ceil(count * (kills ? 0.15 : 0.45)));
  await run.pushApi();
  // What is left of the numbers for the bus, and for services.
  while (run.ofBus.next < run.ofBus.cards.length) await run.pushBus();
  while (run.ofServices.next < run.ofServices.cards.length) await run.pushServices();
}

export async function stored(run) {
  const { stack } = run.world;
  await until('what the racks have is in the store', async () => {
    const { racks } = await stack.api('/api/v1/racks');
    const here = racks.filter((rack) => RACKS.includes(rack.rack));
    return here.length === 2 && here.every((rack) => rack.audit && rack.audit.lag_records < 20);
  }, 180_000);
  run.received = await stack.number("SELECT count(*) FROM child_spans WHERE lane = 'received'");
  await run.keepMonitors();
}

// Rows move to Parquet when their hour is over: the mixer's clock goes three hours ahead.
export async function archive(run) {
  const { stack } = run.world;
  for (const rack of RACKS) await stack.stop(rack);
  await run.world.leave();
  await stack.stop('mixer');
  presetClock(stack, 'mixer', 3 * HOUR);
  await stack.startMixer();
  await until('the store wrote Parquet', () => files(stack.directory).some(([, name]) => name.endsWith('.parquet')), 120_000);
  await run.keepRows('rows out of Parquet');
  await stack.stop('mixer');
}
