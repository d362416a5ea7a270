#!/usr/bin/env node
// The proof of ./dev bench lanes finds each kind of slice that is not what its mode says.
import assert from 'node:assert/strict';
import { runSuite } from '../e2e/suite.mjs';
import { doubts } from './lanes_proof.mjs';

const MODES = ['tap compiled out', 'full load', 'full load, sink dead', 'backlog replaying'];
const WIRE = 250_000;  // bytes a second
const SECONDS = 10;

// Slices as they should be, with what `change` replaces in the one of a mode.
function run(mode, change = {}) {
  const slice = (name, rest) => ({
    mode: name, from: 0, to: SECONDS * 1000, up: 0.8 * WIRE * SECONDS, answers: Array(500).fill({ latency: 50 }), refused: 0,
    sent: { live_audit: 0.5 * WIRE * SECONDS }, states: { normal: 1 }, backlog: [0, 0], replayed: [1, 1, 1, 1], ...rest, ...(name === mode ? change : {}),
  });
  return {
    modes: MODES, asked: 50, settings: { wire: { bitsPerSecond: 8 * WIRE } },
    slices: [
      slice(MODES[0], { sent: { live_telemetry: 100 }, up: 1000 }), slice(MODES[1]),
      slice(MODES[2], { sent: { live_audit: 0 }, states: { divert: 1 }, backlog: [10, 20, 20, 30] }),
      slice(MODES[3], { states: { replay: 1 }, backlog: [30, 20, 20, 10] }),
    ],
  };
}

const found = (mode, change) => doubts(run(mode, change));
const cases = [
  ['too few answers', MODES[1], { answers: Array(400).fill({ latency: 50 }) }, /400 answers to 500/],
  ['refused questions', MODES[0], { refused: 2 }, /2 questions were refused/],
  ['a base with telemetry', MODES[0], { sent: { live_audit: 0.2 * WIRE * SECONDS } }, /of telemetry, at full load/],
  ['a full load that was diverted', MODES[1], { states: { normal: 0.9, divert: 0.1 } }, /divert 10 %/],
  ['a full load on a wire that was not full', MODES[1], { up: 0.5 * WIRE * SECONDS }, /the wire carried 125.0 kB/],
  ['a full load of business alone', MODES[1], { sent: { live_audit: 0.3 * WIRE * SECONDS } }, /75.0 kB\/s of telemetry/],
  ['a dead sink that lived', MODES[2], { states: { divert: 0.9, replay: 0.1 } }, /replay 10 %/],
  ['telemetry to a dead sink', MODES[2], { sent: { live_audit: 1 } }, /left the rack/],
  ['a backlog that did not grow', MODES[2], { backlog: [10, 10] }, /backlog went from 10 to 10/],
  ['a replay that was over', MODES[3], { backlog: [30, 0] }, /backlog went from 30 to 0/],
  ['a replay whose backlog grew', MODES[3], { backlog: [30, 40, 20] }, /steps of -20 to 10/],
  ['a replay that paused', MODES[3], { replayed: [5, 0, 5, 5] }, /5, 0, 5, 5 bytes left/],
];

await runSuite([
  ['slices that are what they should be raise no doubt', async () => assert.deepEqual(doubts(run()), [])],
  ...cases.map(([name, mode, change, sentence]) => [`found: ${name}`, async () => {
    const sentences = found(mode, change);
    assert.equal(sentences.length, 1, sentences.join('; '));
    assert.match(sentences[0], new RegExp(`^slice ${MODES.indexOf(mode) + 1}, ${mode}: `));
    assert.match(sentences[0], sentence);
  }]),
], async () => {});
