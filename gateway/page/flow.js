// flow.js: what becomes of everything that is received, live: the ledger as a funnel, rates of the last hour, and how
// far behind each exporter is.
// SPDX-License-Identifier: Apache-2.0
import { ask, query } from './api.js';
import { chart } from './chart.js';
import { button, h, outside, refill } from './dom.js';
import { bytes, clock, count, duration, seconds, short } from './format.js';

const EVERY = 2000;
const NUMBERS = ['rate', 'queued', 'oldest', 'empty in', 'latency p50 / p99']; // columns that end at their right
const STATES = [
  ['sent', 'sent'],
  ['stored', 'on disk'],
  ['queued', 'queued'],
  ['in_process', 'under way'],
  ['set_aside', 'set aside'],
  ['not_asked', 'not for it'],
  ['rejected', 'rejected'],
];
const SIGNALS = ['traces', 'logs', 'metrics', 'profiles'];
const UNITS = { traces: 'spans', logs: 'records', metrics: 'points', profiles: 'profiles' };

function sum(reasons) {
  return Object.values(reasons ?? {}).reduce((a, b) => a + Number(b), 0);
}

export const flow = {
  title: 'Flow',

  make(frame) {
    this.frame = frame;
    this.funnels = h('div', { class: 'funnels' });
    this.charts = h('div', { class: 'charts' });
    this.exporters = h('div', { class: 'exporters' });
    this.samples = h('section', { class: 'samples', 'aria-label': 'Last samples', hidden: true });
    return h(
      'section',
      { class: 'view scrolls', 'aria-label': 'Flow', tabindex: 0 },
      this.funnels,
      this.samples,
      this.exporters,
      this.charts,
    );
  },

  show(rest, parameters) {
    this.reason = parameters.get('reason');
    this.shown = true;
    this.tick();
    this.drawSamples();
  },

  hide() {
    this.shown = false;
    clearTimeout(this.next);
    document.removeEventListener('visibilitychange', this.wake);
  },

  async tick() {
    clearTimeout(this.next);
    if (!this.shown) return;
    if (document.hidden) {
      this.wake ??= () => this.tick();
      document.addEventListener('visibilitychange', this.wake, { once: true });
      return;
    }
    try {
      this.draw(await ask('/api/flow'));
      this.frame.trouble('');
    } catch (error) {
      this.frame.trouble(error.message);
    }
    if (this.shown) this.next = setTimeout(() => this.tick(), EVERY);
  },

  draw(data) {
    const focus = document.activeElement?.dataset?.focus;
    const signals = SIGNALS.filter((s) => data.signals?.[s] && Number(data.signals[s].received) > 0);
    refill(this.funnels, signals.length ? signals.map((s) => this.funnel(s, data.signals[s])) : [this.nothing()]);
    this.drawExporters(data);
    this.drawCharts(data.history);
    if (focus) this.element.querySelector(`[data-focus="${CSS.escape(focus)}"]`)?.focus();
  },

  nothing() {
    return h(
      'div',
      { class: 'empty' },
      h('h2', {}, 'Nothing was received yet'),
      h('p', {}, 'Point an application at ddgate; every item that comes is accounted for here.'),
    );
  },

  /* --- funnel --- */

  funnel(signal, s) {
    const whole = Math.max(1, Number(s.received));
    const rows = [this.step('received', s.received, whole, 'in')];
    for (const what of ['refused', 'dropped']) {
      for (const [reason, n] of Object.entries(s[what] ?? {}))
        if (Number(n)) rows.push(this.step(what, n, whole, 'lost', reason));
    }
    rows.push(this.step('accepted', s.accepted, whole, 'in'));
    for (const [name, e] of Object.entries(s.exporters ?? {}))
      rows.push(this.target(name, e, Math.max(1, Number(s.accepted))));
    return h(
      'section',
      { class: 'funnel', 'aria-label': signal },
      h('h2', {}, signal, h('span', { class: 'dim' }, ` ${UNITS[signal]}`)),
      h('ul', {}, rows),
    );
  },

  step(what, n, whole, css, reason) {
    return h(
      'li',
      { class: css },
      h('span', { class: 'what' }, what, reason ? [' ', this.reasonButton(reason)] : ''),
      h('span', { class: 'number' }, count(n)),
      h(
        'span',
        { class: 'tube' },
        h('span', { class: css, style: { '--share': `${((Number(n) / whole) * 100).toFixed(2)}%` } }),
      ),
    );
  },

  reasonButton(reason) {
    return button(reason.replaceAll('_', ' '), () => this.frame.go(`#/flow?reason=${encodeURIComponent(reason)}`), {
      class: 'link',
      'data-focus': `reason ${reason}`,
      title: 'The last ones',
    });
  },

  target(name, e, whole) {
    const parts = STATES.map(([key, words]) => [key, words, Number(e[key] ?? 0)]).filter(([, , n]) => n);
    const dropped = Object.entries(e.dropped ?? {}).filter(([, n]) => Number(n));
    const share = (n) => ({ '--share': `${((n / whole) * 100).toFixed(2)}%` });
    return h(
      'li',
      { class: 'target' },
      h('span', { class: 'what' }, '→ ', outside(name, { class: 'mono' })),
      h(
        'span',
        { class: 'parts' },
        parts.map(([key, words, n]) => h('span', { class: key }, h('i', {}), `${words} ${count(n)}`)),
        dropped.map(([reason, n]) =>
          h('span', { class: 'dropped' }, h('i', {}), `dropped ${count(n)} `, this.reasonButton(reason)),
        ),
      ),
      h(
        'span',
        { class: 'tube' },
        parts.map(([key, , n]) => h('span', { class: key, style: share(n) })),
        dropped.length > 0 && h('span', { class: 'dropped', style: share(sum(e.dropped)) }),
      ),
    );
  },

  /* --- exporters --- */

  drawExporters(data) {
    const rows = (data.exporters ?? []).map((e) =>
      h(
        'tr',
        { class: e.state },
        h('th', { scope: 'row' }, outside(e.name, { class: 'mono' })),
        h('td', {}, h('span', { class: 'badge' }, e.state)),
        h('td', { class: 'target' }, outside(e.target ?? '')),
        h('td', { class: 'number' }, `${short(e.per_second)}/s`),
        h('td', { class: 'number' }, count(e.queue?.items)),
        h('td', {}, meter(e.queue?.bytes, e.queue?.limit_bytes)),
        h('td', {}, e.disk ? meter(e.disk.bytes, e.disk.limit_bytes) : ''),
        h('td', { class: 'number' }, seconds(e.oldest)),
        h('td', { class: 'number' }, this.emptyIn(e)),
        h('td', { class: 'number' }, e.latency ? `${duration(e.latency.p50)} / ${duration(e.latency.p99)}` : ''),
        h('td', { class: 'text' }, outside(e.last_error ?? '')),
      ),
    );
    refill(
      this.exporters,
      h(
        'table',
        { class: 'grid' },
        h(
          'caption',
          {},
          'Exporters',
          data.memory &&
            h(
              'span',
              { class: 'dim' },
              ` · memory of clients ${bytes(data.memory.used)} of ${bytes(data.memory.limit)}`,
            ),
        ),
        h(
          'thead',
          {},
          h(
            'tr',
            {},
            [
              'name',
              'state',
              'target',
              'rate',
              'queued',
              'queue',
              'disk',
              'oldest',
              'empty in',
              'latency p50 / p99',
              'last error',
            ].map((words) => h('th', { scope: 'col', class: NUMBERS.includes(words) && 'number' }, words)),
          ),
        ),
        h('tbody', {}, rows),
      ),
    );
  },

  emptyIn(e) {
    if (!Number(e.queue?.items) && !Number(e.disk?.bytes)) return 'empty';
    return e.empty_in === null || e.empty_in === undefined ? 'grows' : seconds(e.empty_in);
  },

  /* --- the last hour --- */

  drawCharts(history) {
    if (!history?.series || (this.charts.firstChild && (history.end === this.drawnTo || this.charts.matches(':hover'))))
      return;
    this.drawnTo = history.end;
    const step = history.step / 1e9;
    const end = Number(BigInt(history.end) / 1000000n);
    const points = knownPoints(history);
    const named = (keep, by) =>
      Object.entries(history.series)
        .filter(([name, values]) => keep(name) && values.some(Number))
        .map(([name, values], i) => ({ name, values: filled(values, points, by), css: `line${i % 6}` }));
    const isLevel = (name) => name.endsWith('.queued');
    const perSecond = (v) => `${short(v)}/s`;
    const all = [
      ...SIGNALS.map((s) => ({
        title: s,
        words: perSecond,
        series: named((n) => n.split('.').includes(s) && !isLevel(n), step).map((x) => ({
          ...x,
          name: x.name.replace(`${s}.`, '').replace('.', ' '),
        })),
      })),
      {
        title: 'queued',
        words: short,
        series: named(isLevel, 1).map((x) => ({ ...x, name: x.name.replace('.queued', '').replace('.', ' ') })),
      },
      {
        title: 'bytes',
        words: (v) => `${short(v)}B/s`,
        series: named((n) => n.startsWith('bytes.'), step).map((x) => ({ ...x, name: x.name.replace('bytes.', '') })),
      },
    ];
    refill(
      this.charts,
      all.filter((c) => c.series.length).map((c) => chart({ ...c, step, end })),
    );
  },

  /* --- samples --- */

  async drawSamples() {
    const { reason } = this;
    this.samples.hidden = !reason;
    if (!reason) return;
    const head = h(
      'h2',
      {},
      'Last of ',
      outside(reason.replaceAll('_', ' ')),
      ' ',
      button('Close', () => this.frame.go('#/flow')),
    );
    try {
      const { samples } = await ask(query('/api/flow/samples', { reason }));
      refill(
        this.samples,
        head,
        samples.length
          ? h(
              'ol',
              { class: 'lines' },
              samples.map((s) =>
                h(
                  'li',
                  {},
                  h('span', { class: 'time' }, clock(s.time)),
                  h('span', {}, [s.receiver, s.client].filter(Boolean).join(' · ')),
                  h('span', {}, `${count(s.items)} of ${s.signal}`),
                  outside(s.text, { class: 'text' }),
                ),
              ),
            )
          : h('p', {}, 'None is kept.'),
      );
    } catch (error) {
      refill(this.samples, head, h('p', { class: 'wrong' }, error.message));
    }
  },

  key(event) {
    if (event.key !== 'Escape' || !this.reason) return false;
    this.frame.go('#/flow');
    return true;
  },
};

// How many of the last points are worth a picture: since the start, but five minutes at least.
function knownPoints({ points, step, series }) {
  const known = Object.values(series).map((values) => values.length - values.findIndex((v) => v !== null));
  return Math.min(points, Math.max(300e9 / step, ...known));
}

// So many points, the last ones known, each divided by `by`.
function filled(values, points, by) {
  return Array.from({ length: points }, (_, i) => {
    const v = values[i - (points - values.length)];
    return v === null || v === undefined ? null : Number(v) / by;
  });
}

function meter(n, limit) {
  const share = limit ? Math.min(100, (Number(n ?? 0) / limit) * 100) : 0;
  return h(
    'span',
    { class: 'meter' },
    h('span', { class: 'tube' }, h('span', { class: 'queued', style: { '--share': `${share.toFixed(2)}%` } })),
    h('span', { class: 'dim' }, `${bytes(n)}${limit ? ` of ${bytes(limit)}` : ''}`),
  );
}
