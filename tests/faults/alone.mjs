// A rack `edge` that answers by itself, so that it serves without its mixer, with the mixer that it reports to.
import { root } from '../e2e/stack.mjs';
import { Traffic } from './traffic.mjs';

export async function openAlone(world, rate = 150) {
  const { stack } = world;
  await stack.prepare();
  stack.writeScenario('edge', `rack: edge
mixer: { address: "nats://127.0.0.1:${stack.ports.nats}", certificates: ${stack.pki} }
data: ${stack.path('edge')}
telemetry: { audit: { durability: commit }, metrics: { interval: 1s } }
gears:
  shop:     { type: http_server, listen: "127.0.0.1:${stack.ports.shop}", routes: [ { path: /authorize, method: POST } ] }
  to_iso:   { type: map, request: ${root}/examples/maps/authorize.yaml, reply: ${root}/examples/maps/authorized.yaml }
  approver: { type: respond, set: { "39": "00" } }
wires: [ shop -> to_iso -> approver ]
`);
  await stack.startMixer();
  await stack.startRack('edge');
  world.traffic = new Traffic(stack, `http://127.0.0.1:${stack.ports.shop}/authorize`, { rate });
  world.traffic.start(world.seed);
  await world.traffic.probe();
}
