// An independent NATS client (npm @nats-io) against the snake. One check a run:
//   node nats_peer.mjs CHECK --url nats://127.0.0.1:4222 --ca F --cert F --key F --machine UUID [--other UUID] [...]
// Checks: refused-without-certificate, permissions, publish, headers. Exit 0 and one line of JSON: passed; 1: failed; 2: usage.
// The certificate is a mixer's for `headers`, else a rack's.
import { checkServerIdentity } from "node:tls";
import { parseArgs } from "node:util";
import { connect, headers } from "@nats-io/transport-node";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";

const PATIENCE_MS = 5000;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: Object.fromEntries(
    ["url", "ca", "cert", "key", "machine", "other", "rack", "other-rack", "stream", "subject"].map((name) => [name, { type: "string" }]),
  ),
});

function fail(message) {
  throw new Error(message);
}

function open(withCertificate = true) {
  // For an address the client upgrades its socket without a name, and Node would compare "localhost".
  const { hostname } = new URL(values.url);
  const tls = { caFile: values.ca, checkServerIdentity: (_, certificate) => checkServerIdentity(hostname, certificate) };
  if (withCertificate) Object.assign(tls, { certFile: values.cert, keyFile: values.key });
  return connect({
    servers: values.url,
    tls,
    inboxPrefix: `_INBOX_${values.machine ?? "mixer"}`,
    timeout: PATIENCE_MS,
    reconnect: false,
  });
}

async function refusedWithoutCertificate() {
  try {
    const connection = await open(false);
    await connection.close();
  } catch (error) {
    if (/altnames|self.signed|issuer/i.test(error.message)) throw error; // we refused the server: proves nothing
    return { refused: true };
  }
  return fail("a client without a certificate was accepted");
}

// The server answers a forbidden publish or subscription with an error on the connection's status.
async function violation(connection, act) {
  const status = connection.status();
  const errors = (async () => {
    for await (const event of status) if (event.type === "error") return String(event.error);
    return "";
  })();
  const timer = new Promise((resolve) => setTimeout(resolve, PATIENCE_MS, "").unref());
  act();
  await connection.flush();
  return /permissions violation/i.test(await Promise.race([errors, timer]));
}

async function permissions() {
  const { machine, other, rack, "other-rack": otherRack } = values;
  if (!machine || !other || !rack || !otherRack) fail("permissions needs --machine, --other, --rack and --other-rack");
  const refused = [];
  const publishes = [
    `flux.audit.${other}`,
    `flux.telemetry.${other}`,
    `flux.msg.${otherRack}.gear.out`,
    `flux.agent.hello.${other}`,
    `flux.agent.heartbeat.${other}`,
    `flux.dlq.${rack}.gear`,
    "$JS.API.STREAM.DELETE.FLUX_AUDIT",
    `flux.receipt.${machine}`,
  ];
  const subscriptions = [`flux.receipt.${other}`, `flux.deliver.${other}.>`, `_INBOX_${other}.>`, "flux.>", ">"];
  for (const subject of publishes) {
    const connection = await open();
    if (!(await violation(connection, () => connection.publish(subject, "x")))) fail(`publish on ${subject} was not refused`);
    refused.push(`publish ${subject}`);
    await connection.close();
  }
  for (const subject of subscriptions) {
    const connection = await open();
    const act = () => connection.subscribe(subject, { callback: () => {} });
    if (!(await violation(connection, act))) fail(`subscription to ${subject} was not refused`);
    refused.push(`subscribe ${subject}`);
    await connection.close();
  }
  const connection = await open();
  const own = await jetstream(connection).publish(`flux.telemetry.${machine}`, "x");
  await connection.close();
  if (own.stream !== "FLUX_TELEMETRY") fail("the rack's own telemetry was not stored");
  return { refused };
}

// Reads the last message of a stream and shows its headers; flux-id and traceparent must be well formed.
async function messageHeaders() {
  const connection = await open();
  try {
    const manager = await jetstreamManager(connection);
    const stream = values.stream ?? "FLUX_MSG";
    const message = await manager.streams.getMessage(stream, { last_by_subj: values.subject ?? "flux.msg.>" });
    if (!message) fail(`no message in ${stream}`);
    const fluxId = message.header.get("flux-id");
    const traceparent = message.header.get("traceparent");
    if (!/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(fluxId)) fail("flux-id is no UUIDv7");
    if (!/^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/.test(traceparent)) fail("traceparent is malformed");
    return { subject: message.subject, flux_id: fluxId, traceparent, bytes: message.data.length };
  } finally {
    await connection.close();
  }
}

// Publishes as a rack with headers of its own, for a C++ consumer to compare.
async function publish() {
  const connection = await open();
  const own = headers();
  own.append("flux-id", "0192f3c1-7a44-7c10-9a51-3d5e0c9b1f02");
  own.append("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
  const stored = await jetstream(connection).publish(values.subject ?? fail("publish needs --subject"), "from node", {
    headers: own,
    msgID: "node-1",
  });
  await connection.close();
  return { stream: stored.stream, sequence: stored.seq };
}

const checks = { "refused-without-certificate": refusedWithoutCertificate, permissions, headers: messageHeaders, publish };
const check = checks[positionals[0]];
if (!check || !values.url || !values.ca) {
  console.error(`usage: nats_peer.mjs ${Object.keys(checks).join("|")} --url URL --ca F [--cert F --key F --machine UUID ...]`);
  process.exit(2);
}
try {
  console.log(JSON.stringify({ check: positionals[0], passed: true, ...(await check()) }));
  process.exit(0);
} catch (error) {
  console.log(JSON.stringify({ check: positionals[0], passed: false, reason: error.message }));
  process.exit(1);
}
