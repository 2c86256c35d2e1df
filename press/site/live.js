// Makes a drawn heap live: below the picture stand the controls of a player, and calls of
// the reader's own. The picture, its text and the counters come from the judge and the
// allocator of the book, both compiled to WebAssembly (heap.js); they are loaded when a
// control is first used. A figure with data-heap, data-trace, data-operations and data-step
// is one; without this script it is the drawing that the judge made of that step. So is a
// recorded schedule, data-schedule, of which the table alone is there without scripts.
'use strict';
(() => {
  // The signs of a player, as shapes of 12 by 12
  const SIGNS = {first: 'M1 1h2v10h-2zM11 1v10l-7-5z', back: 'M10 1v10l-8-5z', play: 'M2 0v12l9-6z', pause: 'M2 1h3v10h-3zM7 1h3v10h-3z',
                 on: 'M2 1v10l8-5z', last: 'M1 1v10l7-5zM9 1h2v10h-2z'};
  const icon = sign => `<svg width="12" height="12" viewBox="0 0 12 12" aria-hidden="true"><path d="${SIGNS[sign]}" fill="currentColor"/></svg>`;
  const PACE = 800;    // milliseconds between two steps of a replay
  const {make, load} = bookTools;
  const ready = () => Promise.all(['heap.js', 'modules.js'].map(load)).then(() => bookReady());
  const percent = (part, whole) => whole === 0 ? '–' : `${(100 * part / whole).toFixed(1)} %`;
  const grouped = number => number.toLocaleString('en-US');

  const callText = ({kind, id, size}) => {
    if (kind === 'a') return `block ${id} = malloc(${size})`;
    if (kind === 'f') return id < 0 ? 'free(NULL)' : `free(block ${id})`;
    return kind === 'r' ? `block ${id} = realloc(block ${id}, ${size})` : `write ${size} bytes of block ${id}`;
  };
  // The blocks that live after these operations, by their ids.
  function liveBlocks(operations) {
    const blocks = new Set();
    for (const {kind, id, size} of operations) {
      if (kind === 'f' || kind === 'r' && size === 0) blocks.delete(id); else blocks.add(id);
    }
    return [...blocks].filter(id => id >= 0).sort((a, b) => a - b);
  }

  class Player {
    constructor(figure) {
      this.figure = figure;
      this.id = figure.id;
      this.name = figure.dataset.heap;
      this.picture = figure.querySelector('.picture');
      const words = figure.dataset.operations.split(' ');
      this.recorded = [];
      for (let i = 0; i < words.length;) {
        const kind = words[i++], id = Number(words[i++]);
        this.recorded.push({kind, id, size: kind === 'f' ? 0 : Number(words[i++])});
      }
      this.operations = this.recorded;
      this.step = Number(figure.dataset.step);
      this.heaps = [];
      this.build();
      this.showStep();
    }

    button(sign, label, action) {
      const button = make('button', {type: 'button', 'aria-label': label, title: label});
      button.innerHTML = icon(sign);
      button.addEventListener('click', action);
      return button;
    }
    build() {
      this.toggle = this.button('play', 'Play', () => this.timer ? this.pause() : this.play());
      this.slider = make('input', {type: 'range', min: 0, 'aria-label': 'Operation'});
      this.slider.addEventListener('input', () => this.go(Number(this.slider.value)));
      this.where = make('p', {class: 'where', role: 'status'});
      const player = make('div', {class: 'player', role: 'group', 'aria-label': 'Replay'},
        this.button('first', 'To the beginning', () => this.go(0)),
        this.button('back', 'One operation back', () => this.go(this.step - 1)),
        this.toggle,
        this.button('on', 'One operation on', () => this.go(this.step + 1)),
        this.button('last', 'To the end', () => this.go(this.operations.length)),
        this.slider, this.where);

      const field = (label, input) => make('label', {}, `${label} `, input);
      this.size = make('input', {type: 'number', min: 0, max: 4294967295, value: 100});
      this.block = make('select');
      this.other = make('select');
      const call = (label, action) => {
        const button = make('button', {type: 'button', class: 'call'}, label);
        button.addEventListener('click', action);
        return button;
      };
      const id = () => Number(this.block.value);
      this.freeing = [
        call('free', () => this.call({kind: 'f', id: id(), size: 0})),
        call('realloc', () => this.call({kind: 'r', id: id(), size: this.sizeAsked()})),
      ];
      this.restore = call('back to the trace', () => {
        this.operations = this.recorded;
        this.go(this.recorded.length);
      });
      this.size.addEventListener('keydown', event => { if (event.key === 'Enter') this.allocate(); });
      this.other.addEventListener('change', () => this.draw());
      this.own = make('details', {class: 'own'}, make('summary', {}, 'Calls of your own'),
        make('div', {class: 'calls'},
          field('bytes', this.size), call('malloc', () => this.allocate()),
          field('block', this.block), ...this.freeing, this.restore,
          field('the same on', this.other)));
      this.own.addEventListener('toggle', () => { if (this.own.open) this.go(this.step); }, {once: true});
      this.complaint = make('p', {class: 'complaint', role: 'alert'});
      this.table = make('div', {class: 'counters', tabindex: 0, role: 'region', 'aria-label': `Counters of ${this.id}`});
      this.texts = make('details', {class: 'as-text'}, make('summary', {}, 'The heap as text'), make('pre'));
      this.second = make('div', {class: 'picture second', tabindex: 0, role: 'region',
                                 'aria-label': `${this.picture.getAttribute('aria-label')}, the other allocator`});
      this.second.hidden = this.table.hidden = this.texts.hidden = this.complaint.hidden = true;
      const live = make('div', {class: 'live'}, player, this.complaint, this.own, this.table, this.texts);
      this.picture.after(this.second, live);
    }

    sizeAsked() { return Math.min(4294967295, Math.max(0, Math.floor(Number(this.size.value)) || 0)); }
    allocate() {
      const ids = this.operations.slice(0, this.step).map(operation => operation.id);
      this.call({kind: 'a', id: Math.max(-1, ...ids) + 1, size: this.sizeAsked()});
    }
    // A call of the reader's takes the place of what followed.
    call(operation) {
      this.operations = [...this.operations.slice(0, this.step), operation];
      return this.go(this.step + 1);
    }

    async go(step) {
      if (this.timer && step !== this.step + 1) this.pause();
      this.step = Math.max(0, Math.min(step, this.operations.length));
      if (this.step === this.operations.length) this.pause();
      this.showStep();
      await this.draw();
    }
    async play() {
      if (this.step === this.operations.length) this.step = -1;
      this.where.removeAttribute('role');    // not said at every step
      this.timer = setInterval(() => this.go(this.step + 1), PACE);
      this.toggle.innerHTML = icon('pause');
      this.toggle.setAttribute('aria-label', this.toggle.title = 'Pause');
      await this.go(this.step + 1);
    }
    pause() {
      clearInterval(this.timer);
      this.timer = null;
      this.where.setAttribute('role', 'status');
      this.toggle.innerHTML = icon('play');
      this.toggle.setAttribute('aria-label', this.toggle.title = 'Play');
    }

    showStep() {
      const count = this.operations.length;
      this.slider.max = count;
      this.slider.value = this.step;
      const text = this.step === 0 ? 'before the first call' : callText(this.operations[this.step - 1]);
      this.slider.setAttribute('aria-valuetext', `${this.step} of ${count}: ${text}`);
      this.where.replaceChildren(`${this.step} of ${count}: `, make('code', {}, text));
      const blocks = liveBlocks(this.operations.slice(0, this.step)).map(String);
      const chosen = this.block.value;
      this.block.replaceChildren(...blocks.map(id => make('option', {value: id}, id)));
      if (blocks.includes(chosen)) this.block.value = chosen;
      for (const button of this.freeing) button.disabled = blocks.length === 0;
      this.restore.hidden = this.operations === this.recorded;
    }

    async heapOf(name) {
      await ready();
      return this.heaps[name] ??= new BookHeap(name);
    }
    async draw() {
      const step = this.step, operations = this.operations;
      const first = await this.heapOf(this.name);
      if (this.other.length === 0) this.fillOthers();
      const heaps = [first];
      if (this.other.value) heaps.push(await this.heapOf(this.other.value));
      if (step !== this.step || operations !== this.operations) return;    // overtaken
      const trace = {name: this.figure.dataset.trace, operations};
      const complaints = [], texts = [], rows = [];
      heaps.forEach((heap, i) => {
        const picture = heap.show('picture', trace, step);
        if (picture.complaint) complaints.push(`${heap.name}: ${picture.complaint.replace(/^[^:]*: /, '')}`);
        const place = i === 0 ? this.picture : this.second;
        place.innerHTML = this.ownIds(picture.text, i);
        texts.push(heap.show('map', trace, step).text);
        rows.push(this.counters(heap, heap.show('dump', trace, step).text));
      });
      this.second.hidden = heaps.length < 2;
      this.complaint.hidden = complaints.length === 0;
      this.complaint.textContent = complaints.join(' ');
      this.table.hidden = this.texts.hidden = false;
      this.table.replaceChildren(this.tableOf(rows));
      this.texts.querySelector('pre').textContent = texts.join('\n');
      this.figure.dispatchEvent(new CustomEvent('drawn', {detail: {step}}));
    }
    // All allocators whose heap can be drawn, by chapter.
    fillOthers() {
      this.other.append(make('option', {value: ''}, 'no other'));
      for (const name of bookHeapNames()) {
        if (name !== this.name && new BookHeap(name).heap.offers() & 8) this.other.append(make('option', {value: name}, name));
      }
    }
    ownIds(svg, n) {
      const prefix = `${this.id}-live-${n}-`;
      return svg.replace(/ id="/g, ` id="${prefix}`).replace(/url\(#/g, `url(#${prefix}`);
    }
    // What a dump adds up to.
    counters(heap, dump) {
      const bytes = {region: 0, payload: 0, used: 0, free: 0};
      for (const line of dump.trim().split('\n').slice(1)) {
        if (line === '') continue;
        const part = JSON.parse(line);
        if (part.kind === undefined) bytes.region += part.size;
        else if (part.kind === 'used') { bytes.used += part.size; bytes.payload += part.request; }
        else if (part.kind === 'free' || part.kind === 'fresh' || part.kind === 'dead') bytes.free += part.size;
      }
      return [heap.name, grouped(bytes.payload), grouped(bytes.region), percent(bytes.payload, bytes.region),
              percent(bytes.region - bytes.payload - bytes.free, bytes.region), percent(bytes.free, bytes.region)];
    }
    tableOf(rows) {
      const names = ['allocator', 'payload, bytes', 'heap, bytes', 'utilization', 'in blocks and records', 'between blocks'];
      return make('table', {},
        make('thead', {}, make('tr', {}, ...names.map(name => make('th', {scope: 'col'}, name)))),
        make('tbody', {}, ...rows.map(([name, ...cells]) =>
          make('tr', {}, make('th', {scope: 'row'}, name), ...cells.map(cell => make('td', {}, cell))))));
    }
  }

  // The parts of a recorded heap after so many steps, in the order of their addresses.
  function partsAfter(record, step) {
    const key = part => JSON.stringify(part);
    const parts = new Map();
    for (const {gone, new: fresh} of record.slice(0, step)) {
      for (const part of gone) parts.delete(key(part));
      for (const part of fresh) parts.set(key(part), part);
    }
    return [...parts.values()].sort((a, b) => a.at[0] - b.at[0] || (a.kind !== 'region') - (b.kind !== 'region') || a.at[1] - b.at[1]);
  }

  // Steps through a schedule that the tests have recorded: the row of the table, and the
  // heap as the thread left it.
  class Schedule {
    constructor(element) {
      this.element = element;
      this.record = JSON.parse(element.dataset.schedule);
      this.rows = [...element.querySelectorAll('tbody tr')];
      this.step = 0;
      this.drawn = [];
      const button = (sign, label, action) => {
        const button = make('button', {type: 'button', 'aria-label': label, title: label});
        button.innerHTML = icon(sign);
        button.addEventListener('click', action);
        return button;
      };
      this.slider = make('input', {type: 'range', min: 1, max: this.record.length, value: 1, 'aria-label': 'Step'});
      this.slider.addEventListener('input', () => this.go(Number(this.slider.value)));
      this.where = make('p', {class: 'where', role: 'status'}, 'step through it');
      this.picture = make('div', {class: 'picture', tabindex: 0, role: 'region', 'aria-label': `The heap of ${element.dataset.name}`});
      this.text = make('pre');
      this.texts = make('details', {class: 'as-text'}, make('summary', {}, 'The heap as text'), this.text);
      this.picture.hidden = this.texts.hidden = true;
      element.after(make('div', {class: 'live'},
        make('div', {class: 'player', role: 'group', 'aria-label': 'Steps'},
          button('first', 'First step', () => this.go(1)),
          button('back', 'One step back', () => this.go(this.step - 1)),
          button('on', 'One step on', () => this.go(this.step + 1)),
          button('last', 'Last step', () => this.go(this.record.length)),
          this.slider, this.where),
        this.picture, this.texts));
    }
    async go(step) {
      this.step = step = Math.max(1, Math.min(step, this.record.length));
      this.slider.value = step;
      const {thread, event} = this.record[step - 1];
      this.slider.setAttribute('aria-valuetext', `${step} of ${this.record.length}: ${thread}: ${event}`);
      this.where.textContent = `${step} of ${this.record.length}: ${thread}: ${event}`;
      this.rows.forEach((row, i) => { if (i === step - 1) row.setAttribute('aria-current', 'step'); else row.removeAttribute('aria-current'); });
      await ready();
      if (step !== this.step) return;
      const {picture, text} = this.drawn[step] ??= this.draw(step);
      this.picture.innerHTML = picture;
      this.text.textContent = text;
      this.picture.hidden = this.texts.hidden = picture === '';
      this.element.dispatchEvent(new CustomEvent('drawn', {detail: {step}}));
    }
    // The heap after a step, as picture and as text. Calls of the trace that shows it to the
    // judge are no calls of these threads: what is said of them goes.
    draw(step) {
      const recorded = bookRecorded(partsAfter(this.record, step), 4 << 20);
      if (recorded.end === recorded.base) return {picture: '', text: ''};
      const heap = new BookHeap(this.element.dataset.name, recorded);
      const show = command => heap.show(command, recorded.trace, recorded.trace.operations.length).text;
      const prefix = `${this.element.dataset.name}-live-`;
      const drawing = make('div');
      drawing.innerHTML = show('picture').replace(/ id="/g, ` id="${prefix}`).replace(/url\(#/g, `url(#${prefix}`);
      drawing.querySelector('svg')?.setAttribute('aria-label', `The heap after step ${step}`);
      for (const mark of drawing.querySelectorAll('.touched')) {
        if (mark.tagName === 'rect') mark.nextElementSibling.remove();    // in the legend
        mark.remove();
      }
      const lines = show('map').split('\n').slice(1);
      return {picture: drawing.innerHTML, text: lines.filter(line => !/the block of/.test(line)).join('\n')};
    }
  }

  for (const element of document.querySelectorAll('[data-schedule]')) element.player = new Schedule(element);
  for (const figure of document.querySelectorAll('figure[data-heap]')) figure.player = new Player(figure);
})();
