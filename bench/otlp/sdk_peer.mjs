// sdk_peer.mjs SECONDS: the exporter of OpenTelemetry's SDK for Node encodes what src/otlp/encode_bench.cpp encodes: requests
// of 2,048 spans, one root with 12 attributes to three children with 4. Prints a JSON object.
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const require = createRequire(fileURLToPath(new URL('../../tests/package.json', import.meta.url)));
const { JsonTraceSerializer, ProtobufTraceSerializer } = require('@opentelemetry/otlp-transformer');
const seconds = Number(process.argv[2] ?? 2);

const hex = (bytes) => Array.from({ length: bytes }, () => Math.floor(Math.random() * 256).toString(16).padStart(2, '0')).join('');
const fluxId = () => hex(16).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
const resource = {
  attributes: {
    'service.name': 'edge', 'service.instance.id': fluxId(), 'telemetry.sdk.name': 'fluxrig', 'telemetry.sdk.language': 'cpp',
    'service.version': '0.1.0', 'telemetry.sdk.version': '0.1.0', 'fluxrig.rack': 'edge', 'fluxrig.machine_id': fluxId(), 'fluxrig.epoch': 2,
  },
};
const scope = { name: 'fluxrig', version: '0.1.0' };

function span(traceId, parent, name, kind, attributes) {
  const context = { traceId, spanId: hex(8), traceFlags: 3 };
  return {
    name, kind, attributes, resource, instrumentationScope: scope, spanContext: () => context, parentSpanContext: parent,
    startTime: [1795356187, 412000000], endTime: [1795356187, 430400000], duration: [0, 18400000], status: { code: 0 }, ended: true,
    links: [], events: [], droppedAttributesCount: 0, droppedEventsCount: 0, droppedLinksCount: 0,
  };
}
const spans = [];
for (let i = 0; i < 512; ++i) {
  const [traceId, id] = [hex(16), fluxId()];
  const root = span(traceId, { traceId, spanId: hex(8), traceFlags: 3, isRemote: true }, 'POST /authorize', 1, {
    'fluxrig.flux_id': id, 'fluxrig.gear': 'shop', 'fluxrig.outcome': 'answered', 'fluxrig.child_spans': 3, 'http.request.method': 'POST',
    'http.route': '/authorize', 'http.response.status_code': 200, 'url.scheme': 'https', 'client.address': '192.0.2.17', 'server.port': 8443,
    'iso8583.mti': '0200', 'iso8583.11': '123456',
  });
  spans.push(root);
  for (let child = 0; child < 3; ++child)
    spans.push(span(traceId, root.spanContext(), '0200 -> 0210', 2, {
      'fluxrig.flux_id': id, 'fluxrig.gear': 'bank', 'network.peer.address': '10.1.2.3', 'network.peer.port': 8583,
    }));
}

function measure(serializer) {
  const run = (until) => {
    let requests = 0;
    let bytes = 0;
    for (const end = process.cpuUsage().user + until * 1e6; process.cpuUsage().user < end; ++requests)
      bytes = serializer.serializeRequest(spans).length;
    return { requests, bytes };
  };
  run(seconds / 2); // until the optimising compiler is done
  const before = process.cpuUsage();
  const { requests, bytes } = run(seconds);
  const used = process.cpuUsage(before);
  return { spans_per_second: Math.round(requests * spans.length / ((used.user + used.system) / 1e6)), bytes_a_span: bytes / spans.length };
}

console.log(JSON.stringify({ protobuf: measure(ProtobufTraceSerializer), json: measure(JsonTraceSerializer) }));
