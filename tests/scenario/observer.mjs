// What an outsider on the bus sees: each lease of the mixer, and each rack's telemetry as it passes by. With the mixer's certificate.
import { checkServerIdentity } from 'node:tls';
import { connect } from '@nats-io/transport-node';
import { Decoder } from 'cbor-x';

// Keys and words of docs/formats/pressure.md.
const CAUSES = ['none', 'sink_errors', 'commit_latency', 'queue_depth', 'stream_fill', 'disk', 'memory', 'operator'];
const decoder = new Decoder({ mapsAsObjects: false, useRecords: false });

function decodeLease(bytes) {
  const map = decoder.decode(bytes);
  if (map.get(0) !== 1) throw new Error(`a lease of version ${map.get(0)}`);
  const number = (key) => (map.has(key) ? Number(map.get(key)) : undefined);
  return { sequence: number(2), level: number(3), cause: CAUSES[number(4)] ?? 'unknown', replay: number(5), validMillis: number(6), pace: number(7) };
}

export class Observer {
  leases = [];   // { time, machine ('all': everybody), level, cause, replay, pace }
  passed = [];   // { time, machine, lane, bytes }

  async open(stack, host) {
    this.bus = await connect({
      servers: `nats://${host}:${stack.ports.nats}`, inboxPrefix: '_INBOX_mixer', timeout: 5_000, maxReconnectAttempts: -1,
      tls: { caFile: `${stack.pki}/ca.crt`, certFile: `${stack.pki}/mixer.crt`, keyFile: `${stack.pki}/mixer.key`,
        checkServerIdentity: (_, certificate) => checkServerIdentity(host, certificate) },
    });
    this.follow('flux.pressure.*', (message, machine) => this.leases.push({ time: Date.now(), machine, ...decodeLease(message.data) }));
    for (const lane of ['audit', 'telemetry'])
      this.follow(`flux.${lane}.*`, (message, machine) => this.passed.push({ time: Date.now(), machine, lane, bytes: message.data.length }));
  }

  follow(subject, take) {
    this.bus.subscribe(subject, {
      callback: (error, message) => {
        if (error) this.failed = error;
        else take(message, message.subject.split('.').at(-1));
      },
    });
  }

  async close() {
    await this.bus?.close();
  }
}
