// NATS clients of tests that look at the snake itself.
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
