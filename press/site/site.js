// What a page does besides being read: it keeps the theme that was chosen, searches the
// book, and shows the definition of the chunk or identifier under the pointer or the
// focus. It works from the disk: what it needs comes by <script>, never by fetch.
'use strict';
(() => {
  const make = (tag, attributes = {}, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children);
    return element;
  };
  const loaded = {};
  const load = name => loaded[name] ??= new Promise((resolve, reject) => {
    const script = make('script', {src: name});
    script.async = false;    // they run in the order in which they are asked for
    script.onload = resolve;
    script.onerror = () => reject(new Error(`${name} cannot be loaded`));
    document.head.append(script);
  });
  window.bookTools = {make, load};
  const tools = document.querySelector('.bar .tools');

  // The theme: the system's, light or dark. A line in the head of each page sets it before
  // anything is drawn.
  const themes = ['system', 'light', 'dark'];
  const root = document.documentElement;
  const themeButton = make('button', {type: 'button', class: 'theme'});
  function showTheme() {
    const theme = root.dataset.theme || 'system';
    const next = themes[(themes.indexOf(theme) + 1) % themes.length];
    themeButton.textContent = {system: '◐', light: '○', dark: '●'}[theme];
    themeButton.setAttribute('aria-label', `Theme: ${theme}. Change to ${next}`);
    themeButton.title = `Theme: ${theme}`;
    return next;
  }
  themeButton.addEventListener('click', () => {
    const next = showTheme();
    if (next === 'system') delete root.dataset.theme; else root.dataset.theme = next;
    try { localStorage.setItem('theme', next); } catch { /* not kept */ }
    showTheme();
  });
  showTheme();

  // The search: a dialog with a box and the first results below it.
  const RESULTS = 12;
  const kinds = {identifier: 'identifier', chunk: 'chunk', file: 'file', section: 'section', chapter: 'chapter',
                 figure: 'figure', term: 'glossary'};
  const box = make('input', {
    type: 'search', id: 'search-box', role: 'combobox', 'aria-expanded': 'false', 'aria-controls': 'search-results',
    'aria-autocomplete': 'list', autocomplete: 'off', spellcheck: 'false', placeholder: 'a name, a chunk, a phrase'});
  const results = make('ul', {id: 'search-results', role: 'listbox', 'aria-label': 'Results'});
  const status = make('p', {class: 'hidden', role: 'status'});
  const dialog = make('dialog', {class: 'search', 'aria-label': 'Search the book'},
                      make('label', {for: 'search-box', class: 'hidden'}, 'Search the book'), box, results, status);
  let selected = -1;

  async function openSearch() {
    if (!dialog.isConnected) document.body.append(dialog);
    hidePreview();
    if (!dialog.open) dialog.showModal();
    box.select();
    await Promise.all(['minisearch.js', 'find.js', 'search.js'].map(load));
    showResults();
  }
  function select(n) {
    const items = results.children;
    if (items.length === 0) return;
    selected = (n + items.length) % items.length;
    [...items].forEach((item, i) => item.setAttribute('aria-selected', i === selected));
    items[selected].scrollIntoView({block: 'nearest'});
    box.setAttribute('aria-activedescendant', items[selected].id);
  }
  function showResults() {
    const found = bookFind(box.value).slice(0, RESULTS);
    selected = -1;
    box.removeAttribute('aria-activedescendant');
    box.setAttribute('aria-expanded', found.length > 0);
    results.replaceChildren(...found.map((record, i) => {
      const title = make('span', {class: `title is-${record.kind}`}, record.title);
      const where = make('span', {class: 'where'}, record.kind === 'identifier' ? record.where :
        [kinds[record.kind], record.where].filter((word, j, all) => all.indexOf(word) === j).join(', '));
      const item = make('li', {role: 'option', id: `result-${i}`, 'aria-selected': 'false'}, title, where);
      item.addEventListener('click', () => go(record));
      item.addEventListener('pointermove', () => { if (selected !== i) select(i); });
      item.record = record;
      return item;
    }));
    status.textContent = box.value.trim() === '' ? '' : `${found.length} results`;
    if (found.length > 0) select(0);
  }
  function go(record) {
    dialog.close();
    location.href = record.address;
  }
  box.addEventListener('input', () => { if (window.bookFind) showResults(); });
  box.addEventListener('keydown', event => {
    if (event.key === 'ArrowDown') select(selected + 1);
    else if (event.key === 'ArrowUp') select(selected - 1);
    else if (event.key === 'Enter' && selected >= 0) go(results.children[selected].record);
    else return;
    event.preventDefault();
  });
  dialog.addEventListener('click', event => { if (event.target === dialog) dialog.close(); });
  const searchButton = make('button', {type: 'button', class: 'find', 'aria-keyshortcuts': '/', title: 'Search: /'},
                            'Search ', make('kbd', {'aria-hidden': 'true'}, '/'));
  searchButton.addEventListener('click', openSearch);
  document.addEventListener('keydown', event => {
    const isTyping = event.target.closest?.('input, textarea, select, [contenteditable]');
    const isSearch = event.key === '/' && !isTyping && !event.ctrlKey && !event.metaKey && !event.altKey ||
      event.key === 'k' && (event.ctrlKey || event.metaKey);
    if (!isSearch) return;
    event.preventDefault();
    openSearch();
  });
  tools?.append(searchButton, themeButton);

  // Previews of definitions: on hover after a moment, on focus at once; Escape puts one away.
  const previews = {};    // page -> id -> HTML
  window.bookPreviews = (page, list) => { previews[page] = Object.fromEntries(list); };
  const preview = make('div', {class: 'preview', id: 'preview', role: 'tooltip', hidden: ''});
  let timer, shownFor;

  async function definitionOf(link) {
    const [, page, id] = link.getAttribute('href').match(/^([^#]*?)(?:\.html)?#(chunk-.*)$/);
    if (page === '') {
      const card = document.getElementById(id);
      const code = card?.querySelector('pre code')?.cloneNode(true);
      if (!code || card.contains(link)) return null;
      code.querySelectorAll('a').forEach(a => a.replaceWith(...a.childNodes));
      return code.innerHTML;
    }
    await load(`${page}.previews.js`);
    return previews[page]?.[id];
  }
  async function showPreview(link) {
    const html = await definitionOf(link).catch(() => null);
    if (!html || !link.isConnected || shownFor !== link) return;
    const code = make('code');
    code.innerHTML = html;
    preview.replaceChildren(make('pre', {}, code));
    if (link.classList.contains('id')) mark(code, link.textContent);
    document.body.append(preview);
    preview.hidden = false;
    place(link.getBoundingClientRect());
    link.setAttribute('aria-describedby', 'preview');
    preview.querySelector('mark')?.scrollIntoView({block: 'nearest', inline: 'nearest', container: 'nearest'});
  }
  // Marks a name where it stands as a whole word.
  function mark(code, name) {
    const walker = document.createTreeWalker(code, NodeFilter.SHOW_TEXT);
    const word = new RegExp(`(?<![\\w])${name}(?![\\w])`);
    for (let node; (node = walker.nextNode());) {
      const at = node.data.search(word);
      if (at < 0 || node.parentElement.closest('.co, .st')) continue;
      const range = new Range();
      range.setStart(node, at);
      range.setEnd(node, at + name.length);
      range.surroundContents(make('mark'));
      return;
    }
  }
  function place(at) {
    const gap = 6, edge = 8;
    const {width, height} = preview.getBoundingClientRect();
    const above = at.top - height - gap;
    const y = at.bottom + gap + height <= innerHeight || above < edge ? at.bottom + gap : above;
    const x = Math.max(edge, Math.min(at.left, document.documentElement.clientWidth - width - edge));
    preview.style.left = `${x + scrollX}px`;
    preview.style.top = `${y + scrollY}px`;
  }
  function hidePreview() {
    clearTimeout(timer);
    shownFor?.removeAttribute('aria-describedby');
    shownFor = null;
    preview.hidden = true;
  }
  const linkOf = event => event.target.closest?.(':is(.text, .sheet) a[href*="#chunk-"]:not(.name, .line > [id])');
  function begin(link, delay) {
    clearTimeout(timer);
    if (link === shownFor) return;
    hidePreview();
    shownFor = link;
    timer = setTimeout(() => showPreview(link), delay);
  }
  document.addEventListener('pointerover', event => {
    if (event.pointerType === 'touch') return;
    const link = linkOf(event);
    if (link) return begin(link, 250);
    clearTimeout(timer);
    if (preview.contains(event.target)) return;
    if (shownFor && document.activeElement !== shownFor) timer = setTimeout(hidePreview, 200);
  });
  document.addEventListener('focusin', event => {
    const link = linkOf(event);
    if (link && link.matches(':focus-visible')) begin(link, 0); else if (!preview.contains(event.target)) hidePreview();
  });
  document.addEventListener('keydown', event => { if (event.key === 'Escape') hidePreview(); });
  addEventListener('pagehide', hidePreview);
})();
