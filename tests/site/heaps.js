#!/usr/bin/env node
// Shows that an allocator in a page does what it does on this machine: on twenty traces,
// after every operation, its dump in WebAssembly equals that of build/bin/judge to the
// byte, for each allocator that has a walk. Sizes in a heap have fixed widths, so nothing
// has to be allowed for.
'use strict';
const {spawnSync} = require('child_process');
const {mkdirSync, readFileSync, writeFileSync} = require('fs');
const {join} = require('path');
const {runInThisContext} = require('vm');

process.chdir(join(__dirname, '..', '..'));
for (const script of ['heap.js', 'modules.js']) {
  runInThisContext(readFileSync(join('site', script), 'utf8'), {filename: script});
}

// Operations on blocks of sizes that look like those of programs, the same in every run.
function randomTrace(seed) {
  let state = seed;
  const below = n => (state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff) % n;
  const live = [], lines = [];
  let ids = 0;
  while (lines.length < 20 + 6 * seed) {
    const size = [1 + below(64), 1 + below(600), below(5000)][below(3)];
    const what = live.length === 0 ? 0 : below(5);
    if (what < 2 && size > 0) {
      live.push(ids);
      lines.push(`a ${ids++} ${size}`);
    } else if (what === 2 && size > 0) {
      lines.push(`r ${live[below(live.length)]} ${size}`);
    } else if (live.length > 0) {
      lines.push(`f ${live.splice(below(live.length), 1)[0]}`);
    }
  }
  return `0\n${ids}\n${lines.length}\n1\n${lines.join('\n')}\n`;
}

mkdirSync('build/site', {recursive: true});
const traces = ['string', 'holes', 'short', 'edges'].map(name => join('traces', `${name}.rep`));
for (let seed = 1; traces.length < 20; seed++) {
  const path = join('build/site', `random-${seed}.rep`);
  writeFileSync(path, randomTrace(seed));
  traces.push(path);
}

// As `judge steps` prints them: an array of what each step changed. The CPU is the first:
// a heap with lists for each CPU numbers them by it, and a page has no other.
const first = /^Cpus_allowed_list:\s*(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))[1];
const native = (heap, path) => spawnSync('taskset', ['-c', first, 'build/bin/judge', 'steps', heap, path],
  {encoding: 'utf8', maxBuffer: 1 << 28});
(async () => {
await bookReady();
let compared = 0, steps = 0, wrong = 0;
for (const name of bookHeapNames()) {
  const heap = new BookHeap(name);
  for (const path of traces) {
    const expected = native(name, path);
    if (/has no walk/.test(expected.stderr)) continue;
    const trace = bookTrace(path.replace(/.*\/|\.rep$/g, ''), readFileSync(path, 'utf8'));
    const got = heap.show('steps', trace, trace.operations.length);
    compared++;
    steps += trace.operations.length;
    if (got.text === expected.stdout && got.complaint === expected.stderr.trim()) continue;
    wrong++;
    const theirs = expected.stdout.split('\n'), ours = got.text.split('\n');
    const first = theirs.findIndex((line, i) => line !== ours[i]);
    console.log(`${name} ${path}: native  ${theirs[first]} ${expected.stderr}\n${' '.repeat(name.length + path.length)}  in page ${ours[first]} ${got.complaint}`);
  }
}
console.log(`${compared} traces on heaps, ${steps} operations, ${wrong} that differ`);
console.log(`${compared - wrong} passed, ${wrong} failed`);
process.exit(wrong === 0 && compared >= 20 ? 0 : 1);
})();
