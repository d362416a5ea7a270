#!/usr/bin/env -S node --experimental-vm-modules --no-warnings
// Links every module of tests/ without running it: a name that is imported and not exported is found in seconds, and not when its suite
// has its turn, half an hour later. check_imports.mjs [DIRECTORY]; ends with 1 and a line for each module that does not link.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import vm from 'node:vm';

const root = resolve(process.argv[2] ?? dirname(fileURLToPath(import.meta.url)));
const modules = new Map(); // by path, or by the name of a package

function* files(directory) {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    if (entry.name === 'node_modules') continue;
    const path = join(directory, entry.name);
    if (entry.isDirectory()) yield* files(path);
    else if (entry.name.endsWith('.mjs')) yield path;
  }
}

function moduleOf(path) {
  if (!modules.has(path)) modules.set(path, new vm.SourceTextModule(readFileSync(path, 'utf8').replace(/^#!.*/, ''), { identifier: path }));
  return modules.get(path);
}

// A package or a builtin: only the names that it exports.
async function outside(name, referrer) {
  if (!modules.has(name)) {
    const names = Object.keys(await import(name));
    modules.set(name, new vm.SyntheticModule(names, () => {}, { identifier: `${name} from ${referrer.identifier}` }));
  }
  return modules.get(name);
}

let broken = 0;
for (const path of files(root)) {
  try {
    const module = moduleOf(path);
    if (module.status === 'unlinked') await module.link((name, referrer) => (name.startsWith('.') ? moduleOf(resolve(dirname(referrer.identifier), name)) : outside(name, referrer)));
  } catch (error) {
    broken += 1;
    console.log(`${path}: ${error.message}`);
  }
}
process.exit(broken === 0 ? 0 : 1);
