// A hostile OpenTelemetry back end of gRPC: an HTTP/2 server that answers each signal as its script says, and keeps
// every call as it came. And a well-behaved one, of another implementation of gRPC.
import { createHash } from 'node:crypto';
import http2 from 'node:http2';
import { gunzipSync } from 'node:zlib';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { Scripted } from './back_end.mjs';

const path = (signal) => {
  const name = { traces: 'trace', metrics: 'metrics', logs: 'logs' }[signal];
  return `/opentelemetry.proto.collector.${name}.v1.${name[0].toUpperCase()}${name.slice(1)}Service/Export`;
};
const signals = new Map(['traces', 'metrics', 'logs'].map((signal) => [path(signal), signal]));

export function frame(message) {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

// google.rpc.Status with a RetryInfo of so many milliseconds, as the field grpc-status-details-bin has it.
export function retryInfo(milliseconds) {
  const field = (tag, bytes) => Buffer.concat([Buffer.from([tag, bytes.length]), bytes]);
  const varint = (number) => {
    const bytes = [];
    for (; number > 127; number = Math.floor(number / 128)) bytes.push((number % 128) | 128);
    return [...bytes, number];
  };
  const duration = Buffer.from([0x08, ...varint(Math.floor(milliseconds / 1000)), 0x10, ...varint((milliseconds % 1000) * 1_000_000)]);
  const any = Buffer.concat([field(0x0a, Buffer.from('type.googleapis.com/google.rpc.RetryInfo')), field(0x12, field(0x0a, duration))]);
  return field(0x1a, any).toString('base64').replace(/=+$/, '');
}

// One step of a script: `code`, `message`, `details` of an answer by trailers only, sent `after` so many milliseconds; or `reset`: the
// stream, with this error of HTTP/2; or `goaway`: the connection says that it has not seen the call; or `cut`: it is closed; or
// `http`: a status of HTTP without gRPC. `body`: the message of a success, `bytes` instead of it and its frame.
const kOk = { code: 0 };

export class GrpcBackEnd extends Scripted {
  #sessions = new Set();

  static async start({ port = 0 } = {}) {
    const self = new GrpcBackEnd(kOk);
    const server = http2.createServer();
    server.on('session', (session) => {
      self.#sessions.add(session);
      session.on('close', () => self.#sessions.delete(session));
      session.on('error', () => {});
    });
    server.on('stream', (stream, headers) => self.#take(stream, headers));
    return self.listen(server, port);
  }

  stop() {
    for (const session of this.#sessions) session.destroy();
    return new Promise((resolve) => this.server.close(resolve));
  }

  #take(stream, headers) {
    const parts = [];
    stream.on('data', (part) => parts.push(part));
    stream.on('error', () => {});
    stream.on('end', () => {
      const sent = Buffer.concat(parts);
      const signal = signals.get(headers[':path']);
      const step = this.next(signal);
      const message = sent.subarray(5);
      this.requests.push({
        signal, headers, step, at: Date.now(), flag: sent[0], length: sent.readUInt32BE(1), held: message.length,
        body: sent[0] === 1 ? gunzipSync(message) : message, hash: createHash('sha256').update(sent).digest('hex'),
      });
      setTimeout(() => this.#answer(stream, step), step.after ?? 0);
    });
  }

  #answer(stream, { code, message, details, reset, goaway, cut, http, body, bytes }) {
    if (stream.destroyed) return;
    if (reset !== undefined) return stream.close(reset);
    if (cut) return stream.session.destroy();
    if (goaway) return stream.session.goaway(0, stream.id - 2 > 0 ? stream.id - 2 : 0);
    if (http) {
      stream.respond({ ':status': http, 'content-type': 'text/html' });
      return stream.end('<html>');
    }
    const status = {
      'grpc-status': String(code), ...(message ? { 'grpc-message': encodeURIComponent(message) } : {}),
      ...(details ? { 'grpc-status-details-bin': details } : {}),
    };
    const head = { ':status': 200, 'content-type': 'application/grpc' };
    if (code !== 0) {
      stream.respond({ ...head, ...status }, { endStream: true });
      return;
    }
    stream.respond(head, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers(status));
    stream.end(bytes ?? frame(body ?? Buffer.alloc(0)));
  }
}

// A server of @grpc/grpc-js with the Export of all signals: `take(signal, message, call)` gives the bytes of each answer. With
// `tls` ({ ca, key, cert }) it wants the certificate of the client.
export async function grpcServer(take, { port = 0, tls } = {}) {
  const server = new Server();
  for (const [method, signal] of signals)
    server.addService({ export: {
      path: method, requestStream: false, responseStream: false,
      requestSerialize: (bytes) => bytes, requestDeserialize: (bytes) => bytes, responseSerialize: (bytes) => bytes, responseDeserialize: (bytes) => bytes,
    } }, { export: (call, done) => done(null, take(signal, call.request, call) ?? Buffer.alloc(0)) });
  const credentials = tls ? ServerCredentials.createSsl(tls.ca, [{ private_key: tls.key, cert_chain: tls.cert }], true) : ServerCredentials.createInsecure();
  const bound = await new Promise((resolve, reject) => {
    server.bindAsync(`127.0.0.1:${port}`, credentials, (error, number) => (error ? reject(error) : resolve(number)));
  });
  return { port: bound, stop: () => server.forceShutdown() };
}
