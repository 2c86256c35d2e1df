#!/usr/bin/env node
// Asks the search of site/ what queries.tsv says, in node and without a page. Names the
// queries that none of their answers is among the first three of; exit 1 if they are more
// than two of thirty.
'use strict';
const {readFileSync} = require('fs');
const {join} = require('path');
const {runInThisContext} = require('vm');

const root = join(__dirname, '..', '..');
globalThis.window = globalThis;
for (const script of ['minisearch.js', 'find.js', 'search.js']) {
  runInThisContext(readFileSync(join(root, 'site', script), 'utf8'), {filename: script});
}

let asked = 0, missed = 0;
for (const line of readFileSync(join(__dirname, 'queries.tsv'), 'utf8').split('\n')) {
  const [query, answers] = line.split('\t');
  if (!answers) continue;
  const found = bookFind(query).slice(0, 3).map(record => record.address.replace('.html', ''));
  asked++;
  if (answers.split(' ').some(answer => found.includes(answer))) continue;
  missed++;
  console.log(`${query}: ${found.join(' ') || 'nothing'}`);
}
console.log(`${asked - missed} of ${asked} queries have an answer among the first three`);
process.exit(asked > 0 && missed <= asked / 15 ? 0 : 1);
