// script.js: the playground for Pipeline scripts: a script, lines, and what the script makes of them. All of it is in
// the address, so that a link shows the same to somebody else.
// SPDX-License-Identifier: Apache-2.0
import { ask, query } from './api.js';
import { button, copy, h, outside, put, refill, speak } from './dom.js';
import { any, count, several } from './format.js';

const SOON = 400; // milliseconds from the last key to the run
const MOST_LINES = 200;
const FIRST_SCRIPT = `# Fields out of a line; docs/pipeline.md has all functions.
grok(_, "%{TIMESTAMP_ISO8601:time} %{LOGLEVEL:status} %{GREEDYDATA:msg}")
default_time(time)
`;
const FIRST_LINES = '2026-11-30 10:07:08 ERROR it broke';

/* --- the address: JSON, deflated, base64url --- */

async function bytesThrough(stream, bytes) {
  return new Uint8Array(await new Response(new Blob([bytes]).stream().pipeThrough(stream)).arrayBuffer());
}

async function pack(state) {
  const bytes = await bytesThrough(
    new CompressionStream('deflate-raw'),
    new TextEncoder().encode(JSON.stringify(state)),
  );
  return btoa(Array.from(bytes, (b) => String.fromCharCode(b)).join(''))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
}

async function unpack(text) {
  const bytes = Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0));
  return JSON.parse(new TextDecoder().decode(await bytesThrough(new DecompressionStream('deflate-raw'), bytes)));
}

/* --- an editor: a text area with numbers of lines --- */

class Editor {
  constructor({ label, rows, change }) {
    this.numbers = h('div', { class: 'numbers', 'aria-hidden': 'true' });
    this.area = h('textarea', {
      'aria-label': label,
      spellcheck: 'false',
      autocomplete: 'off',
      autocapitalize: 'off',
      wrap: 'off',
      rows,
      on: {
        input: () => {
          this.count();
          change();
        },
        scroll: () => {
          this.numbers.scrollTop = this.area.scrollTop;
        },
      },
    });
    this.element = h('div', { class: 'editor' }, this.numbers, this.area);
    this.wrongLine = 0;
  }

  get text() {
    return this.area.value;
  }

  set text(text) {
    this.area.value = text;
    this.count();
  }

  count() {
    const n = this.text.split('\n').length;
    refill(
      this.numbers,
      Array.from({ length: n }, (_, i) => h('div', { class: i + 1 === this.wrongLine ? 'wrong' : '' }, i + 1)),
    );
    this.numbers.scrollTop = this.area.scrollTop;
  }

  markLine(line) {
    this.wrongLine = line;
    this.count();
  }
}

/* --- results --- */

function cut(line, byte) {
  const bytes = new TextEncoder().encode(line);
  const decoder = new TextDecoder();
  return [decoder.decode(bytes.slice(0, byte)), decoder.decode(bytes.slice(byte))];
}

// Where a grok stopped: the part of the line that matched, and the part of the pattern that did not.
function stopped(grok, line) {
  const [before, after] = cut(grok.text ?? line, grok.stopped_at);
  const rest = grok.pattern.startsWith(grok.matched) ? grok.pattern.slice(grok.matched.length + grok.part.length) : '';
  return h(
    'div',
    { class: 'grok' },
    h('p', {}, `grok stops at byte ${count(grok.stopped_at)}:`),
    h(
      'pre',
      { tabindex: 0, 'aria-label': 'The pattern' },
      h('span', { class: 'kind' }, 'pattern '),
      h('span', { class: 'fits' }, grok.matched),
      h('mark', { class: 'fails' }, grok.part),
      h('span', { class: 'dim' }, rest),
    ),
    h(
      'pre',
      { tabindex: 0, 'aria-label': 'The line' },
      h('span', { class: 'kind' }, 'line    '),
      h('span', { class: 'fits' }, before),
      h('mark', { class: 'fails' }, after || '(its end)'),
    ),
  );
}

function fieldRows(values, kind) {
  return Object.entries(values ?? {}).map(([name, v]) =>
    h(
      'tr',
      {},
      h('th', { scope: 'row' }, outside(name)),
      h('td', { class: 'value' }, outside(any(v))),
      h('td', { class: 'dim' }, kind),
    ),
  );
}

function made(result) {
  const created = (result.created ?? []).length;
  return [
    h(
      'table',
      { class: 'pairs' },
      h(
        'tbody',
        {},
        fieldRows(result.tags, 'tag'),
        fieldRows(result.fields, 'field'),
        result.time ? fieldRows({ time: result.time }, 'time') : '',
      ),
    ),
    created > 0 && h('p', {}, `${several(created, 'point')} created`),
  ];
}

function resultItem(result, line, groks) {
  return h(
    'li',
    { class: result.error ? 'failed' : result.dropped ? 'is-dropped' : '' },
    h('pre', { class: 'line', tabindex: 0, 'aria-label': 'The line' }, line),
    result.dropped && h('p', {}, h('span', { class: 'badge' }, 'dropped')),
    result.error &&
      h('p', { class: 'wrong' }, outside(typeof result.error === 'string' ? result.error : result.error.text)),
    groks.map((g) => stopped(g, line)),
    made(result),
  );
}

export const script = {
  title: 'Script',

  make(frame) {
    this.frame = frame;
    this.code = new Editor({ label: 'Pipeline script', rows: 14, change: () => this.changed() });
    this.input = new Editor({ label: 'Log lines, one record a line', rows: 6, change: () => this.changed() });
    this.source = this.option('Source', 'default');
    this.zone = this.option('Time zone', '');
    this.error = h('div', { class: 'script-error', role: 'alert', hidden: true });
    this.results = h('ol', { class: 'results', 'aria-label': 'Results' });
    this.summary = h('span', { class: 'state', role: 'status' });
    return h(
      'section',
      { class: 'view', 'aria-label': 'Script' },
      h(
        'div',
        { class: 'bar' },
        button('Run', () => this.run(), { class: 'main', 'aria-keyshortcuts': 'Control+Enter' }),
        this.source.label,
        this.zone.label,
        button('Last real lines', () => this.lastLines()),
        button('Copy link', () => this.share()),
        this.summary,
      ),
      h(
        'div',
        { class: 'playground', on: { keydown: (e) => this.typed(e) } },
        h(
          'div',
          { class: 'inputs' },
          h('h2', {}, 'Script'),
          this.code.element,
          this.error,
          h('h2', {}, 'Lines'),
          this.input.element,
        ),
        h('section', { class: 'outputs', 'aria-label': 'Results', tabindex: 0 }, h('h2', {}, 'Results'), this.results),
      ),
    );
  },

  option(words, value) {
    const box = h('input', { value, size: 12, spellcheck: 'false', on: { input: () => this.changed() } });
    return { box, label: h('label', {}, `${words} `, box) };
  },

  async show(rest, parameters) {
    const packed = parameters.get('s');
    if (packed && packed === this.packed) return;
    let state = { script: this.code.text || FIRST_SCRIPT, lines: this.input.text || FIRST_LINES };
    if (parameters.get('lines')) state.lines = parameters.get('lines');
    try {
      if (packed) state = await unpack(packed);
    } catch {
      this.frame.trouble('This link is damaged: the script in it cannot be read.');
      return;
    }
    this.code.text = String(state.script ?? '');
    this.input.text = String(state.lines ?? '');
    this.source.box.value = state.source ?? 'default';
    this.zone.box.value = state.timezone ?? '';
    this.run();
  },

  hide() {
    clearTimeout(this.soon);
    this.asked?.abort();
  },

  typed(event) {
    if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    this.run();
  },

  changed() {
    clearTimeout(this.soon);
    this.soon = setTimeout(() => this.run(), SOON);
  },

  state() {
    return {
      script: this.code.text,
      lines: this.input.text,
      source: this.source.box.value || undefined,
      timezone: this.zone.box.value || undefined,
    };
  },

  async share() {
    await this.remember();
    copy(location.href, 'link');
  },

  async remember() {
    this.packed = await pack(this.state());
    if (location.hash.startsWith('#/script')) this.frame.go(`#/script?s=${this.packed}`, true);
  },

  async lastLines() {
    try {
      const { logs } = await ask(query('/api/logs', { limit: 20 }));
      const lines = logs
        .map((l) => l.line || l.body)
        .filter((l) => !l.includes('\n'))
        .reverse();
      if (!lines.length) speak('No recent lines');
      this.summary.textContent = lines.length ? '' : 'no lines have come yet';
      if (!lines.length) return;
      this.input.text = lines.join('\n');
      this.run();
    } catch (error) {
      this.frame.trouble(error.message);
    }
  },

  async run() {
    clearTimeout(this.soon);
    this.asked?.abort();
    this.asked = new AbortController();
    const { script: text, source, timezone, lines } = this.state();
    const all = lines
      .split('\n')
      .filter((l) => l !== '')
      .slice(0, MOST_LINES);
    await this.remember();
    try {
      const answer = await ask('/api/pipeline', {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        signal: this.asked.signal,
        body: JSON.stringify({ script: text, lines: all, source, timezone, category: 'logging' }),
      });
      this.frame.trouble('');
      this.draw(answer, all);
    } catch (error) {
      if (error.name !== 'AbortError') this.frame.trouble(error.message);
    }
  },

  draw(answer, lines) {
    this.drawError(answer.error);
    const groks = answer.grok ?? [];
    const results = answer.results ?? [];
    refill(
      this.results,
      results.map((r, i) =>
        resultItem(
          r,
          lines[i],
          groks.filter((g) => g.line === i),
        ),
      ),
    );
    const unmatched = new Set(groks.map((g) => g.line)).size;
    this.summary.textContent = answer.error
      ? 'the script does not load'
      : several(results.length, 'line') +
        (unmatched ? `, ${count(unmatched)} without a match` : '') +
        (answer.not_run ? `; the time was over for ${several(answer.not_run, 'more line')}` : '');
  },

  drawError(error) {
    this.error.hidden = !error;
    this.code.markLine(error?.line ?? 0);
    if (!error) return;
    const line = this.code.text.split('\n')[error.line - 1] ?? '';
    const caret = ' '.repeat(Math.max(0, error.column - 1)) + '^';
    refill(
      this.error,
      put(h('p', {}), `${error.line}:${error.column}: ${error.text}`),
      h('pre', { tabindex: 0, 'aria-label': 'The place of the mistake' }, line.replaceAll('\t', ' '), '\n', caret),
    );
  },
};
