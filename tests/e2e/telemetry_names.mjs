// docs/telemetry.md as data, and what a run sent, to hold them against each other: names with their places, types, kinds
// and units. A table of that page is known by the first word of its head; what stands in backticks in a first column is
// a name, and `<word>` in it a part that varies.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { attributesOf, collector } from './export_tools.mjs';
import { root } from './stack.mjs';

const page = readFileSync(join(root, 'docs/telemetry.md'), 'utf8');
const heads = ['metric', 'metric of the mixer', 'span name', 'attribute', 'event', 'scope', 'name'];
const varying = { METHOD: '[A-Z_]+', route: '/\\S*', mti: '\\d{4}', rack: '[a-z0-9_-]+', gear: '[a-z0-9_-]+', cause: '[a-z_]+', argument: '[a-z_]+', element: '[0-9A-Za-z.]+', path: '.+' };
const types = { stringValue: 'text', intValue: 'int', doubleValue: 'double', boolValue: 'bool', arrayValue: 'array' };
const kinds = { sum: 'sum', gauge: 'gauge', histogram: 'histogram', exponentialHistogram: 'exponential histogram' };

const quoted = (cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, text]) => text);
const words = (cell) => cell.split(',').map((word) => word.trim());

// The rows of each table by its head: arrays of cells.
function tables() {
  const found = Object.fromEntries(heads.map((head) => [head, []]));
  let head;
  for (const line of page.split('\n')) {
    const cells = line.startsWith('|') ? line.replace(/^\|\s*|\s*\|$/g, '').split(/\s*\|\s*/) : undefined;
    if (!cells) head = undefined;
    else if (head === undefined) head = cells[0];
    else if (!/^-+$/.test(cells[0])) found[head]?.push(cells);
  }
  return found;
}

// `decode <mti>` as an expression that its instances match.
function pattern(name) {
  const parts = name.split(/<(\w+)>/).map((part, i) => (i % 2 === 0 ? part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&') : varying[part]));
  if (parts.includes(undefined)) throw new Error(`docs/telemetry.md: what varies in '${name}'?`);
  return new RegExp(`^${parts.join('')}$`);
}

// Entries "what: name, further words" that a run can have. `needs` says which of them one run cannot bring about.
export function documented() {
  const all = tables();
  const entries = [];
  const add = (what, name, ...further) => entries.push({ key: [`${what}: ${name}`, ...further].join(', '), what, name, further, pattern: pattern(name) });
  for (const [names, kind, attributes] of all.metric)
    for (const name of quoted(names)) {
      add('metric', name, kind.replaceAll('`', ''));
      for (const one of quoted(attributes).filter((word) => word.includes('.'))) add(`attribute of ${name}`, one);
    }
  for (const [names] of all['span name']) for (const name of quoted(names)) add('span name', name);
  for (const [names, lane] of all.event) for (const name of quoted(names)) add('event', name, lane);
  for (const [name, , schema] of all.scope) add('scope', quoted(name)[0], quoted(schema)[0]);
  for (const [names, type, places] of all.attribute)
    for (const name of quoted(names)) for (const place of words(places)) add(place, name, type);
  const needs = all.name.flatMap(([names, , tests]) => {
    if (!/`[A-Z]\w+\.[A-Z]\w+`|`tests\//.test(tests)) throw new Error(`docs/telemetry.md: no test emits ${names}`);
    return quoted(names);
  });
  const ofMixer = all['metric of the mixer'].flatMap(([names]) => quoted(names));
  if ([...Object.values(all), needs, ofMixer].some((list) => list.length === 0)) throw new Error('docs/telemetry.md: a table without rows');
  return { entries, needs, ofMixer };
}

// What was sent, by signal, as bodies of OTLP in protobuf: the keys of `documented`, with what varies filled in.
export function sent({ traces, metrics, logs }) {
  const keys = new Set();
  const add = (what, name, ...further) => keys.add([`${what}: ${name}`, ...further].join(', '));
  const addAll = (what, attributes) => {
    for (const { key, value } of attributes ?? []) add(what, key, types[Object.keys(value)[0]] ?? 'nothing');
  };
  const walk = (resources, scopes, items, visit) => {
    for (const one of resources) {
      addAll('resource', one.resource.attributes);
      for (const scope of one[scopes]) {
        add('scope', scope.scope.name, scope.schemaUrl);
        scope[items].forEach(visit);
      }
    }
  };
  for (const body of traces) walk(collector.trace.v1.ExportTraceServiceRequest.decode(body).resourceSpans, 'scopeSpans', 'spans', (span) => {
    add('span name', span.name);
    addAll('fluxrig.outcome' in attributesOf(span) ? 'root span' : 'span', span.attributes);
    for (const link of span.links) addAll('link', link.attributes);
  });
  for (const body of logs) walk(collector.logs.v1.ExportLogsServiceRequest.decode(body).resourceLogs, 'scopeLogs', 'logRecords', (log) => {
    add('event', log.eventName, attributesOf(log)['fluxrig.lane']);
    addAll(log.eventName === 'fluxrig.transaction' ? 'audit event' : 'event', log.attributes);
  });
  for (const body of metrics) walk(collector.metrics.v1.ExportMetricsServiceRequest.decode(body).resourceMetrics, 'scopeMetrics', 'metrics', (metric) => {
    const kind = Object.keys(kinds).find((one) => metric[one]);
    add('metric', metric.name, metric.sum && !metric.sum.isMonotonic ? 'level' : kinds[kind], metric.unit);
    for (const point of metric[kind].dataPoints) {
      addAll('data point', point.attributes);
      for (const { key } of point.attributes) add(`attribute of ${metric.name}`, key);
      for (const exemplar of point.exemplars ?? []) addAll('exemplar', exemplar.filteredAttributes);
    }
  });
  return keys;
}

// What of `keys` no entry has, and what of the entries none of `keys` has, those that one run need not bring about left out.
export function compare(keys, { entries, needs }) {
  const exact = new Set(entries.map(({ key }) => key));
  const varies = entries.filter(({ name }) => name.includes('<'));
  const fits = (key, { what, name, further, pattern: expression }) => {
    if (!name.includes('<')) return key === [`${what}: ${name}`, ...further].join(', ');
    const tail = further.length ? `, ${further.join(', ')}` : '';
    return key.startsWith(`${what}: `) && key.endsWith(tail) && expression.test(key.slice(what.length + 2, key.length - tail.length));
  };
  const all = [...keys];
  const undocumented = all.filter((key) => !exact.has(key) && !varies.some((entry) => fits(key, entry)));
  // What only comes with a metric that one run does not have is not there either.
  const isExcused = ({ what, name, key }) => needs.includes(name) || needs.includes(key) || needs.some((one) => what === `attribute of ${one}`);
  const missing = entries.filter((entry) => !isExcused(entry) && !all.some((key) => fits(key, entry)));
  return { undocumented, missing: missing.map(({ key }) => key) };
}
