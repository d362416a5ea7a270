// What the suites of exports share: requests decoded with OpenTelemetry's own generated types, and requests by the hundred.
import http from 'node:http';
import { createRequire } from 'node:module';

const require = createRequire(new URL('../package.json', import.meta.url));
const { opentelemetry } = require('@opentelemetry/otlp-transformer/build/src/generated/root');
export const collector = opentelemetry.proto.collector;

export const spansOf = (body) => collector.trace.v1.ExportTraceServiceRequest.decode(body).resourceSpans
  .flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans));

export const logsOf = (body) => collector.logs.v1.ExportLogsServiceRequest.decode(body).resourceLogs
  .flatMap(({ scopeLogs }) => scopeLogs.flatMap(({ logRecords }) => logRecords));
export const metricsOf = (body) => collector.metrics.v1.ExportMetricsServiceRequest.decode(body).resourceMetrics
  .flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics));
export const textOf = (attributes) => Object.fromEntries(attributes.map(({ key, value }) => [key, String(Object.values(value)[0])]));

// Of a span, log record or data point: names and values, each as what it is.
export const attributesOf = ({ attributes }) => Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));

export const hex = (bytes) => Buffer.from(bytes).toString('hex');
export const attribute = ({ attributes }, wanted) => {
  const held = attributes.find(({ key }) => key === wanted)?.value;
  return held && String(held.stringValue ?? held.intValue ?? held.doubleValue ?? held.boolValue);
};

// So many requests, 16 at a time; how many of them failed.
export async function failures(count, send) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 16 });
  const each = await Promise.all(Array.from({ length: count }, () => send(agent).then(({ status }) => (status === 200 ? 0 : 1), () => 1)));
  agent.destroy();
  return each.reduce((a, b) => a + b, 0);
}
