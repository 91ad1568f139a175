// fleet.js: which tracers are connected, and which of them have known faults.
// SPDX-License-Identifier: Apache-2.0
import { ask } from './api.js';
import { h, outside, refill } from './dom.js';
import { ago, count, short } from './format.js';

const EVERY = 3000;
const NUMBERS = ['spans/s', 'spans', 'last seen'];
const COLUMNS = [
  'service',
  'env',
  'language',
  'tracer',
  'host',
  'container',
  'protocol',
  'spans/s',
  'spans',
  'last seen',
  'also sends',
  'warnings',
];

export const fleet = {
  title: 'Fleet',

  make(frame) {
    this.frame = frame;
    this.body = h('tbody');
    this.table = h(
      'table',
      { class: 'grid' },
      h('caption', {}, 'Clients'),
      h(
        'thead',
        {},
        h(
          'tr',
          {},
          COLUMNS.map((words) => h('th', { scope: 'col', class: NUMBERS.includes(words) && 'number' }, words)),
        ),
      ),
      this.body,
    );
    this.nothing = h(
      'div',
      { class: 'empty', hidden: true },
      h('h2', {}, 'No client yet'),
      h(
        'p',
        {},
        'A tracer appears here with its first request: its language, version and service, and what is known to be wrong with that version.',
      ),
    );
    return h('section', { class: 'view scrolls', 'aria-label': 'Fleet', tabindex: 0 }, this.table, this.nothing);
  },

  show() {
    this.shown = true;
    this.tick();
  },

  hide() {
    this.shown = false;
    clearTimeout(this.next);
  },

  async tick() {
    clearTimeout(this.next);
    try {
      if (!document.hidden) this.draw((await ask('/api/fleet')).clients);
      this.frame.trouble('');
    } catch (error) {
      this.frame.trouble(error.message);
    }
    if (this.shown) this.next = setTimeout(() => this.tick(), EVERY);
  },

  draw(clients) {
    this.table.hidden = !clients.length;
    this.nothing.hidden = clients.length > 0;
    const seen = (c) => BigInt(c.last_seen ?? 0);
    refill(
      this.body,
      clients.sort((a, b) => (seen(a) < seen(b) ? 1 : -1)).map((c) => this.row(c)),
    );
  },

  row(c) {
    return h(
      'tr',
      {},
      h('th', { scope: 'row' }, outside(c.service ?? '')),
      td(c.env),
      td([c.language, c.language_version].filter(Boolean).join(' ')),
      td(c.version),
      td(c.host, 'mono'),
      td(c.container?.slice(0, 12), 'mono', c.container),
      td([c.protocol, c.transport].filter(Boolean).join(' ')),
      h('td', { class: 'number' }, short(c.spans_per_second)),
      h('td', { class: 'number' }, count(c.spans)),
      h('td', { class: 'number' }, ago(c.last_seen)),
      td((c.sends ?? []).join(', ')),
      h(
        'td',
        { class: 'text' },
        (c.warnings ?? []).map((w) => h('p', { class: 'warning' }, outside(w.text, { title: w.id }))),
      ),
    );
  },
};

function td(text, css, title) {
  return h('td', { class: css, title }, outside(text ?? ''));
}
