// NATS clients of tests that look at the snake itself.
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { checkServerIdentity } from 'node:tls';
import { connect } from '@nats-io/transport-node';

// A client with the mixer's certificate, which may do everything.
export function join(stack) {
  return connect({
    servers: `nats://127.0.0.1:${stack.ports.nats}`, inboxPrefix: '_INBOX_mixer', timeout: 5_000, reconnect: false,
    tls: { caFile: `${stack.pki}/ca.crt`, certFile: `${stack.pki}/mixer.crt`, keyFile: `${stack.pki}/mixer.key`,
      checkServerIdentity: (_, certificate) => checkServerIdentity('127.0.0.1', certificate) },
  });
}

// A client with the certificate of a rack, which may do what that rack may: { connection, machine }.
export async function joinAs(stack, rack) {
  const certificate = readFileSync(`${stack.pki}/${rack}.crt`);
  const machine = /CN=([0-9a-f-]{36})/.exec(new X509Certificate(certificate).subject)[1];
  const connection = await connect({
    servers: `nats://127.0.0.1:${stack.ports.nats}`, inboxPrefix: `_INBOX_${machine}`, timeout: 5_000, reconnect: false,
    tls: { caFile: `${stack.pki}/ca.crt`, certFile: `${stack.pki}/${rack}.crt`, keyFile: `${stack.pki}/${rack}.key`,
      checkServerIdentity: (_, presented) => checkServerIdentity('127.0.0.1', presented) },
  });
  return { connection, machine };
}
