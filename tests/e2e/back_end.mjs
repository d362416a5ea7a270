// A hostile OpenTelemetry back end: an HTTP server that answers each signal as its script says, and keeps every
// request as it came.
import { createHash } from 'node:crypto';
import http from 'node:http';
import https from 'node:https';
import { gunzipSync } from 'node:zlib';

// Keeps requests, and knows what to answer next.
export class Scripted {
  requests = [];
  scripts = { traces: [], metrics: [], logs: [] };

  // `otherwise`: the step of a signal whose script is played.
  constructor(otherwise) {
    this.otherwise = otherwise;
  }

  next(signal) {
    return this.scripts[signal]?.shift() ?? this.otherwise;
  }

  of(signal) {
    return this.requests.filter((request) => request.signal === signal);
  }

  async listen(server, port) {
    this.server = server;
    await new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, '127.0.0.1', resolve);
    });
    this.port = server.address().port;
    return this;
  }
}

// One step of a script. `status`, `headers`, `body` of an answer, sent `after` so many milliseconds; or `cut`: the
// connection is closed, `cut: 'inside'` in the middle of an answer; or `raw`: these bytes instead of HTTP.
const kOk = { status: 200 };

export class BackEnd extends Scripted {
  // `tls`: options of https.createServer.
  static async start({ port = 0, tls } = {}) {
    const self = new BackEnd(kOk);
    const listener = (request, response) => self.#take(request, response);
    const server = tls ? https.createServer(tls, listener) : http.createServer(listener);
    server.on('connection', () => (self.connections = (self.connections ?? 0) + 1));
    return self.listen(server, port);
  }

  stop() {
    this.server.closeAllConnections();
    return new Promise((resolve) => this.server.close(resolve));
  }

  #take(request, response) {
    const parts = [];
    request.on('data', (part) => parts.push(part));
    request.on('error', () => {});
    request.on('end', () => {
      const sent = Buffer.concat(parts);
      const zipped = request.headers['content-encoding'] === 'gzip';
      const signal = request.url.replace(/^.*\/v1\//, '');
      const step = this.next(signal);
      this.requests.push({
        signal, url: request.url, method: request.method, headers: request.headers, step, at: Date.now(),
        body: zipped ? gunzipSync(sent) : sent, hash: createHash('sha256').update(sent).digest('hex'),
        peer: request.socket.getPeerCertificate?.()?.subject?.CN,
      });
      setTimeout(() => this.#answer(request, response, step), step.after ?? 0);
    });
  }

  #answer(request, response, { status, headers = {}, body = '', cut, raw }) {
    const { socket } = request;
    if (socket.destroyed) return;
    if (raw !== undefined) return socket.end(raw);
    if (cut === 'inside') return socket.end('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nnot all of it');
    if (cut) return socket.destroy();
    const type = request.headers['content-type'];
    response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body), ...headers });
    response.end(body);
  }
}

// ExportTracePartialSuccess and its kin in protobuf: numbers below 128, short messages.
export function partialSuccess(rejected, message) {
  const text = Buffer.from(message);
  const inner = Buffer.concat([Buffer.from(rejected ? [0x08, rejected] : []), Buffer.from([0x12, text.length]), text]);
  return Buffer.concat([Buffer.from([0x0a, inner.length]), inner]);
}
