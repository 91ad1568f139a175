// trace.js: one trace: the waterfall, find, its log lines, and below them the span that is chosen.
// SPDX-License-Identifier: Apache-2.0
import { ask } from './api.js';
import { button, copy, h, outside, plain, refill, speak } from './dom.js';
import { count, duration, moment, several, severity } from './format.js';
import { cell, Rows } from './rows.js';
import { SpanPanel } from './span.js';
import { find, read } from './tree.js';

const ROW = 23;
const DEEPEST = 20; // levels that are indented; deeper ones stay below these
const TICKS = 4;
const MOST_LINES = 1000;

function percent(x) {
  return `${(x * 100).toFixed(3)}%`;
}

/* --- a row of the waterfall --- */

// `at(x)`: where nanosecond x of the trace is in the timeline, 0 to 1 for what it shows.
function mark(name, x, at, title) {
  const place = at(x);
  return place >= 0 && place <= 1 && h('i', { class: `mark ${name}`, style: { '--at': percent(place) }, title });
}

function marks(span, tree, at) {
  return [
    span.events.map((e) => mark('event', Number(BigInt(e.timeUnixNano ?? 0) - tree.begin), at, `event ${e.name}`)),
    span.logs.map((l) =>
      mark(`log ${severity(l.number)}`, Math.max(0, Math.min(tree.length, l.time)), at, `${l.severity} ${l.body}`),
    ),
  ];
}

function piece(name, a, b, at) {
  const from = Math.max(0, at(a));
  const to = Math.min(1, at(b));
  return to >= from && h('span', { class: name, style: { '--from': percent(from), '--width': percent(to - from) } });
}

// The length stands behind the bar, or before it, or on it: where there is room.
function lengthOf(span, at) {
  const from = at(span.start);
  const to = at(span.end);
  if (to < 0 || from > 1) return null;
  const [name, place] = to < 0.88 ? ['', to] : from > 0.12 ? ['before', 1 - from] : ['on', 1 - Math.min(1, to)];
  return h('span', { class: `length ${name}`, style: { '--at': percent(place) } }, duration(span.length));
}

function bar(span, tree, at) {
  return [
    piece('bar-of', span.start, span.end, at),
    span.path.map(([a, b]) => piece('path', a, b, at)),
    marks(span, tree, at),
    lengthOf(span, at),
  ];
}

function twist(span, folded) {
  if (!span.children.length) return h('span', { class: 'twist' });
  return h('span', { class: 'twist', 'data-fold': span.id, title: folded ? 'unfold' : 'fold' }, folded ? '▸' : '▾');
}

export const trace = {
  title: 'Trace',

  make(frame) {
    this.frame = frame;
    this.folded = new Set();
    this.found = new Set();
    this.list = new Rows({
      label: 'Spans',
      class: 'waterfall',
      role: 'treegrid',
      columns: [
        ['tree', 'Span'],
        ['timeline', ''],
      ],
      height: ROW,
      keyOf: (s) => s.key,
      draw: (s) => this.row(s),
      enter: (s) => this.choose(s),
      move: (s) => this.moved(s),
      keys: (e, s) => this.fold(e, s),
      clicked: (e, s) => this.twisted(e, s),
    });
    this.panel = new SpanPanel({ frame, close: () => this.choose(null), reveal: (id) => this.reveal(id) });
    this.top = h('header', { class: 'trace-head' });
    this.legend = h('ul', { class: 'legend', 'aria-label': 'Services' });
    this.box = h('input', {
      type: 'search',
      placeholder: 'Find in trace',
      'aria-label': 'Find in trace: name, attribute or value',
      'aria-keyshortcuts': 'f',
      spellcheck: 'false',
      autocomplete: 'off',
      on: { input: () => this.search(), keydown: (e) => e.key === 'Enter' && this.next(e.shiftKey ? -1 : 1) },
    });
    this.whole = button('Whole trace', () => this.zoomOut(), { 'aria-keyshortcuts': 'Shift+z', hidden: true });
    this.hits = h('output', { class: 'hits' });
    this.logs = h('section', { class: 'trace-logs', 'aria-label': 'Log lines of this trace', tabindex: 0 });
    this.below = h('div', { class: 'below' });
    this.body = h('div', { class: 'trace-body' }, this.legend, this.list.element, this.below);
    this.missing = h('div', { class: 'empty', hidden: true });
    return h('section', { class: 'view', 'aria-label': 'Trace' }, this.top, this.missing, this.body);
  },

  async show([id], parameters) {
    const span = parameters.get('span');
    if (id === this.id && this.tree) return this.arrive(span, parameters.get('find'));
    this.id = id;
    this.tree = null;
    this.chosen = null;
    this.panel.clear();
    this.body.hidden = true;
    this.missing.hidden = true;
    refill(this.top, this.back(), h('h2', { class: 'mono' }, id));
    try {
      const data = await ask(`/api/traces/${encodeURIComponent(id)}`);
      if (id !== this.id) return undefined;
      this.setUp(read(data));
    } catch (error) {
      if (id === this.id) this.refused(error);
      return undefined;
    }
    return this.arrive(span, parameters.get('find'));
  },

  reload() {
    const { id, chosen } = this;
    this.id = null;
    this.show([id], new URLSearchParams(chosen ? { span: chosen.id } : {}));
  },

  hide() {
    this.tree = null; // it may have grown by the next time
    this.id = null;
  },

  refused(error) {
    refill(
      this.missing,
      h('h2', {}, error.status === 404 ? 'This trace is not here' : 'No trace'),
      h('p', {}, error.message),
      h('p', {}, 'ddgate keeps recent data only, oldest first out: see admin.recent in docs/page.md.'),
    );
    this.missing.hidden = false;
  },

  setUp(tree) {
    this.tree = tree;
    tree.spans.forEach((span, i) => {
      span.key = i;
    });
    this.folded.clear();
    this.found.clear();
    this.look(0, tree.length);
    this.box.value = '';
    this.hits.textContent = '';
    this.body.hidden = false;
    this.drawHead();
    this.drawRuler();
    this.list.active = null;
    this.list.element.scrollTop = 0;
    this.list.redraw();
    this.unfoldAll();
    this.drawLogs();
    this.drawBelow();
  },

  arrive(spanId, words) {
    if (words && words !== this.box.value) {
      this.box.value = words;
      this.search();
    }
    const span = spanId && this.tree.byId.get(spanId);
    if (span && span !== this.chosen) this.choose(span);
    else if (!span && this.chosen) this.choose(null);
    if (!this.top.contains(document.activeElement)) this.list.element.focus({ preventScroll: true });
  },

  /* --- head --- */

  back() {
    return [h('a', { class: 'back', href: '#/traces', title: 'Back to the list (Esc)' }, '←'), ' '];
  },

  drawHead() {
    const { tree } = this;
    const root = tree.root;
    const errors = tree.spans.filter((s) => s.error).length;
    const name = root ? root.name : 'log lines only';
    this.frame.title(plain(name));
    const api = `/api/traces/${encodeURIComponent(this.id)}`;
    refill(
      this.top,
      this.back(),
      h('h2', {}, outside(name)),
      h(
        'p',
        { class: 'facts' },
        moment(String(tree.begin)).slice(0, 23),
        ' · ',
        h('strong', {}, duration(tree.length)),
        ` · ${several(tree.spans.length, 'span')}`,
        errors ? [' · ', h('strong', { class: 'errors' }, several(errors, 'error'))] : '',
        ` · ${several(tree.logs.length, 'log line')} · `,
        h('code', { class: 'id' }, this.id),
        ' ',
        button('Copy', () => copy(this.id, 'trace id'), { class: 'small', 'aria-label': 'Copy the trace id' }),
      ),
      h(
        'p',
        { class: 'tools', role: 'search' },
        this.whole,
        this.box,
        this.hits,
        button('Reload', () => this.reload(), { 'aria-keyshortcuts': 'r', title: 'Spans that have come since' }),
        h('a', { class: 'button', href: `${api}?download=1`, download: `${this.id}.json` }, 'Download OTLP/JSON'),
      ),
    );
    refill(
      this.legend,
      [...tree.services.values()].map((s) =>
        h(
          'li',
          {},
          h('span', { class: `dot ${this.colour(s.name)}` }),
          outside(s.name || 'no service'),
          h('span', { class: 'dim' }, ` ${s.spans} · own ${duration(s.own)}`),
        ),
      ),
      h('li', { class: 'key' }, h('span', { class: 'path-key' }), 'critical path'),
      h('li', { class: 'key' }, h('i', { class: 'mark log info' }), 'log line'),
      h('li', { class: 'key' }, h('i', { class: 'mark event' }), 'event'),
    );
  },

  colour(service) {
    return `s${(this.tree.services.get(service)?.at ?? 0) % 12}`;
  },

  // The timeline shows from here to there.
  look(from, length) {
    this.seen = { from, length };
    this.at = (x) => (x - from) / length;
    this.whole.hidden = length >= this.tree.length;
  },

  zoom(span) {
    const margin = Math.max(span.length * 0.05, 1);
    this.look(Math.max(0, span.start - margin), Math.min(this.tree.length, span.length + 2 * margin));
    this.drawRuler();
    this.list.redraw();
  },

  zoomOut() {
    this.look(0, this.tree.length);
    this.drawRuler();
    this.list.redraw();
  },

  drawRuler() {
    const { from, length } = this.seen;
    const timeline = this.list.head.lastElementChild;
    const ticks = Array.from({ length: TICKS }, (_, i) =>
      h(
        'span',
        { class: 'tick', style: { '--at': percent(i / TICKS) } },
        from + i ? duration(from + (length * i) / TICKS) : '0',
      ),
    );
    timeline.replaceChildren(...ticks, h('span', { class: 'tick end' }, duration(from + length)));
  },

  /* --- rows --- */

  row(span) {
    const { tree } = this;
    const folded = this.folded.has(span);
    const name = [
      'span',
      this.colour(span.service),
      span.error && 'error',
      this.found.has(span) && 'found',
      this.found.size && !this.found.has(span) && 'aside',
    ];
    const lost = !span.above && span.parent;
    const element = h(
      'div',
      { class: name.filter(Boolean).join(' '), 'aria-level': span.depth + 1 },
      h(
        'span',
        { class: 'cell tree', role: 'gridcell', style: { '--depth': Math.min(span.depth, DEEPEST) } },
        twist(span, folded),
        h('span', { class: 'stripe' }),
        outside(span.name || '(no name)', { class: 'name', title: `${span.service}: ${span.name}` }),
        span.error && h('span', { class: 'flag' }, 'error'),
        lost && h('span', { class: 'note', title: `parent ${span.parent} is not here` }, 'parent not here'),
        outside(span.service, { class: 'dim' }),
      ),
      h('span', { class: 'cell timeline', role: 'gridcell' }, bar(span, tree, this.at)),
    );
    if (span.children.length) element.setAttribute('aria-expanded', !folded);
    return element;
  },

  unfoldAll() {
    this.list.set(this.inSight());
  },

  inSight() {
    if (!this.folded.size) return this.tree.spans;
    let hiddenBelow = Infinity;
    return this.tree.spans.filter((span) => {
      if (span.depth > hiddenBelow) return false;
      hiddenBelow = this.folded.has(span) ? span.depth : Infinity;
      return true;
    });
  },

  setFold(span, on) {
    if (!span.children.length || on === this.folded.has(span)) return false;
    if (on) this.folded.add(span);
    else this.folded.delete(span);
    this.list.set(this.inSight());
    this.list.redraw();
    return true;
  },

  fold(event, span) {
    if (!span || (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight')) return false;
    if (event.key === 'ArrowRight') this.setFold(span, false);
    else if (!this.setFold(span, true) && span.above) this.list.activate(this.list.indexOf(span.above.key));
    return true;
  },

  twisted(event, span) {
    return event.target.dataset.fold && this.setFold(span, !this.folded.has(span));
  },

  // Brings a span in sight, unfolding what is above it.
  reveal(id) {
    const span = typeof id === 'string' ? this.tree.byId.get(id) : id;
    if (!span) return;
    let changed = false;
    for (let above = span.above; above; above = above.above) changed = this.folded.delete(above) || changed;
    if (changed) this.list.set(this.inSight());
    this.list.activate(this.list.indexOf(span.key), true);
    if (changed) this.list.redraw();
  },

  /* --- the chosen span --- */

  moved(span) {
    if (this.chosen) this.choose(span);
  },

  choose(span) {
    this.chosen = span;
    this.frame.go(`#/trace/${encodeURIComponent(this.id)}${span ? `?span=${encodeURIComponent(span.id)}` : ''}`, true);
    this.drawBelow();
    if (!span) {
      this.list.element.focus({ preventScroll: true });
      return;
    }
    this.reveal(span);
    this.panel.show(this.id, span, this.colour(span.service));
  },

  drawBelow() {
    const parts = this.chosen ? [this.panel.element] : [];
    if (this.tree.logs.length && !this.chosen) parts.push(this.logs);
    refill(this.below, parts);
    this.below.className = `below ${this.chosen ? 'with-span' : ''}`;
    this.below.hidden = !parts.length;
  },

  drawLogs() {
    const { logs } = this.tree;
    refill(
      this.logs,
      h('h3', {}, `Log lines (${count(logs.length)})`),
      h(
        'ol',
        { class: 'lines' },
        logs
          .slice(0, MOST_LINES)
          .map((l) =>
            h(
              'li',
              { class: severity(l.number) },
              h('span', { class: 'time' }, `${l.time < 0 ? '−' : '+'}${duration(Math.abs(l.time))}`),
              h('span', { class: 'severity' }, l.severity || severity(l.number)),
              h(
                'span',
                {},
                l.span ? button(plain(l.span.name), () => this.choose(l.span), { class: 'link' }) : outside(l.service),
              ),
              outside(l.body, { class: 'text' }),
            ),
          ),
      ),
      logs.length > MOST_LINES &&
        h(
          'p',
          { class: 'dim' },
          `and ${several(logs.length - MOST_LINES, 'later line')}: the download has all of them`,
        ),
    );
  },

  /* --- find --- */

  search() {
    const matches = find(this.tree, this.box.value);
    this.found = new Set(matches);
    this.matches = matches;
    this.match = -1;
    this.list.redraw();
    if (matches.length) this.next(1);
    else this.hits.textContent = this.box.value.trim() ? 'not found' : '';
  },

  next(step) {
    if (!this.matches?.length) return;
    this.match = (this.match + step + this.matches.length) % this.matches.length;
    this.hits.textContent = `${count(this.match + 1)} of ${count(this.matches.length)}`;
    this.reveal(this.matches[this.match]);
    if (this.chosen) this.choose(this.matches[this.match]);
    speak(`${this.hits.textContent}: ${plain(this.matches[this.match].name)}`);
  },

  key(event) {
    if (!this.tree && event.key !== 'Escape') return false;
    if (event.key === 'f') {
      this.box.focus();
      this.box.select();
    } else if (event.key === 'r') this.reload();
    else if (event.key === 'z' && this.list.active !== null) this.zoom(this.tree.spans[this.list.active]);
    else if (event.key === 'Z') this.zoomOut();
    else if (event.key === 'Escape') {
      if (this.chosen) this.choose(null);
      else this.frame.go('#/traces');
    } else return false;
    return true;
  },
};
