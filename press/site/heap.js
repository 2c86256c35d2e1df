// Runs an allocator of the book, compiled to WebAssembly, under the judge, compiled so
// too. modules.js calls bookModule(NAME, GZIP IN BASE64) for each. Runs in a page and in node.
'use strict';
(() => {
  const modules = {};
  globalThis.bookModule = (name, packed) => { modules[name] = packed; };
  const unpack = async packed => {
    const bytes = Uint8Array.from(atob(packed), c => c.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  };
  // To be awaited before the first BookHeap.
  let unpacked;
  globalThis.bookReady = () => unpacked ??= Promise.all(Object.keys(modules).map(
    async name => { modules[name] = await unpack(modules[name]); }));
  const compiled = name => {
    if (modules[name] instanceof Uint8Array) modules[name] = new WebAssembly.Module(modules[name]);
    return modules[name];
  };
  const COMMANDS = ['map', 'picture', 'dump', 'steps'];

  // A heap as it was recorded: parts {kind, at: [region, offset], size, list, next} in the
  // order of a walk. It serves a trace that allocates its used parts one after the other.
  globalThis.bookRecorded = (parts, base) => {
    const KINDS = ['region', 'meta', 'used', 'free', 'fresh', 'foreign'];
    const starts = [];
    let end = base;
    for (const {kind, at, size} of parts) {
      if (kind !== 'region') continue;
      starts[at[0]] = end;
      end += Math.ceil(size / 65536) * 65536;
    }
    const address = place => place ? starts[place[0]] + place[1] : 0;
    const used = parts.filter(part => part.kind === 'used');
    let served = 0;
    return {
      base, end,
      trace: {name: 'recorded', operations: used.map(({size}, id) => ({kind: 'a', id, size}))},
      init: () => { served = 0; return 0; },
      malloc: () => address(used[served++].at),
      walk: visit => parts.forEach(part =>
        visit(KINDS.indexOf(part.kind), part.list ?? -1, address(part.at), part.size, address(part.next))),
    };
  };

  globalThis.bookHeapNames = () => Object.keys(modules).filter(name => name !== 'judge');

  // An allocator by its name, as in build/heaps. The judge and the allocator share one
  // memory. It is as fresh before each play: what lies below the heap is put back.
  globalThis.BookHeap = class {
    constructor(name, recorded) {
      this.name = name;
      this.said = ['', '', ''];    // by file descriptor
      const heap = {};
      const wasi = {
        fd_write: (fd, list, count, written) => this.write(fd, list, count, written),
        fd_close: () => 0, fd_seek: () => 0, fd_read: () => 8, fd_pread: () => 8, path_open: () => 8,
        fd_fdstat_get: () => 0, fd_fdstat_set_flags: () => 0, fd_prestat_get: () => 8, fd_prestat_dir_name: () => 8,
        proc_exit: status => { throw new Error(`the judge ended with ${status}`); },
      };
      const calls = Object.fromEntries(['init', 'malloc', 'free', 'realloc', 'check', 'walk'].map(
        call => [call, (...words) => heap.exports[call](...words)]));
      this.judge = new WebAssembly.Instance(compiled('judge'), {heap: calls, wasi_snapshot_preview1: wasi}).exports;
      this.memory = this.judge.memory;
      this.judge.add(97, 0, 1);    // its first malloc: it takes its own memory, and no other
      const imports = {env: {memory: this.memory}, judge: this.judge, wasi_snapshot_preview1: wasi};
      while (recorded && this.memory.buffer.byteLength < recorded.end) this.memory.grow(16);
      if (recorded) {
        const walk = () => recorded.walk(this.judge.visit);
        heap.exports = {...recorded, walk, offers: () => 8, base: () => recorded.base};
      }
      while (!heap.exports) {    // room for its variables; it asks for the rest itself
        this.memory.grow(16);
        try { heap.exports = new WebAssembly.Instance(compiled(name), imports).exports; } catch (error) {
          if (this.memory.buffer.byteLength > 64 << 20) throw error;
        }
      }
      this.heap = heap.exports;
      this.judge.drop();
      this.judge.offer(this.heap.offers());
      this.fresh = new Uint8Array(this.memory.buffer, 0, this.heap.base()).slice();
    }
    write(fd, list, count, written) {
      const view = new DataView(this.memory.buffer);
      let bytes = 0;
      for (let i = 0; i < count; i++) {
        const start = view.getUint32(list + 8 * i, true), size = view.getUint32(list + 8 * i + 4, true);
        this.said[fd] += String.fromCharCode(...new Uint8Array(this.memory.buffer, start, size));
        bytes += size;
      }
      view.setUint32(written, bytes, true);
      return 0;
    }
    setName(address, name) {
      const bytes = [...name.slice(0, 63)].map(c => c.charCodeAt(0));
      new Uint8Array(this.memory.buffer).set([...bytes, 0], address);
    }
    // What a command of the judge prints of a trace, {name, operations: [{kind, id, size}]},
    // after operation `step`; with what it complains of, if the heap did not serve it.
    show(command, trace, step) {
      new Uint8Array(this.memory.buffer).set(this.fresh);
      this.said = ['', '', ''];
      this.setName(this.judge.name_of_heap(), this.name);
      this.setName(this.judge.name_of_trace(), trace.name);
      for (const {kind, id, size} of trace.operations) this.judge.add(kind.charCodeAt(0), id, size);
      let status;
      try {
        status = this.judge.show(COMMANDS.indexOf(command), step);
      } catch (error) {
        this.said[2] ||= `the heap crashed: ${error.message}`;
        status = 2;
      }
      return {status, text: decodeURIComponent(escape(this.said[1])), complaint: this.said[2].trim()};
    }
  };

  // A trace from its text: four numbers, then operations.
  globalThis.bookTrace = (name, text) => {
    const words = text.trim().split(/\s+/);
    const operations = [];
    for (let i = 4; i < words.length;) {
      const kind = words[i++], id = Number(words[i++]);
      operations.push({kind, id, size: kind === 'f' ? 0 : Number(words[i++])});
    }
    return {name, operations};
  };
})();
