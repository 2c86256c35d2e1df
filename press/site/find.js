// Finds what a reader looks for among the records of search.js, by MiniSearch: names come
// before text, and a word may be begun only, or have a typing error.
'use strict';
(() => {
  const weights = {identifier: 2.2, chunk: 1.7, file: 1.4, section: 1.5, chapter: 1.2, term: 1.6, figure: 0.8};
  // Words, and the parts of names: my_malloc is my_malloc, my and malloc.
  const words = text => {
    const list = [];
    for (const word of text.toLowerCase().match(/[\p{L}\p{N}_.]+/gu) ?? []) {
      const whole = word.replace(/^\.+|\.+$/g, '');
      if (whole === '') continue;
      list.push(whole);
      const parts = whole.split(/[_.]+/).filter(part => part !== '');
      if (parts.length > 1) list.push(...parts);
    }
    return list;
  };
  const noise = new Set(['a', 'an', 'the', 'of', 'to', 'in', 'is', 'are', 'does', 'do', 'how', 'what', 'and', 'or', 'with', 'for']);
  const index = new MiniSearch({
    idField: 'n',
    fields: ['title', 'id', 'text'],
    storeFields: ['kind', 'title', 'address', 'where'],
    tokenize: words,
    processTerm: word => word.length > 3 ? word.replace(/(?<!s)s$/, '') : word,    // tags: tag
  });
  const options = {
    boost: {title: 6, id: 3},
    prefix: word => word.length > 1,
    fuzzy: word => word.length > 4 ? 0.25 : false,
    weights: {fuzzy: 0.3, prefix: 0.5},
    boostDocument: (id, term, stored) => weights[stored.kind] ?? 1,
  };

  // The id of a section says in a word what its title may say in a sentence.
  const topic = (kind, address) => kind === 'section' ? address.replace(/^[^#]*#?/, '').replaceAll('-', ' ') : '';
  window.bookRecords = records => index.addAll(records.map(([kind, title, address, where, text], n) =>
    ({n, kind, title, address, where, text, id: topic(kind, address)})));

  // The records that fit a query, the best first. All its words count, or, if nothing has
  // all, as many as there are. A title that is the query comes first.
  window.bookFind = query => {
    const asked = words(query).filter((word, i, all) => all.length === 1 || !noise.has(word));
    if (asked.length === 0) return [];
    const text = query.trim().toLowerCase();
    let found = index.search(asked.join(' '), {...options, combineWith: 'AND'});
    if (found.length === 0) found = index.search(asked.join(' '), options);
    const score = record => record.score * (record.title.toLowerCase() === text ? 4 : 1);
    const seen = new Set();    // places, each once
    return found.sort((a, b) => score(b) - score(a)).filter(({address}) => !seen.has(address) && seen.add(address));
  };
})();
