// rows.js: a list of any length of which only the rows in sight are in the document. Rows have one height. The list
// has the keyboard's focus, its active row is told by aria-activedescendant, so a row that is drawn again loses
// nothing.
// SPDX-License-Identifier: Apache-2.0
import { h } from './dom.js';

const BEYOND = 8; // rows drawn above and below what is in sight
let lists = 0;

export class Rows {
  // `height` of a row in pixels; `role` grid or treegrid; `columns`: the head's [class, words]; `keyOf(item)`: what
  // stays the same of an item that changes; `draw(item, key)` makes its element anew when `versionOf(item)` has
  // changed; `enter(item)`: Enter or a click; `move(item)`: the active row is another.
  constructor(options) {
    Object.assign(this, { versionOf: () => 0, move() {}, enter() {}, role: 'grid', ...options });
    this.id = `rows${++lists}`;
    this.items = [];
    this.drawn = new Map();
    this.active = null; // a key
    this.space = h('div', { class: 'space', role: 'rowgroup' });
    this.head = h(
      'div',
      { class: 'row head', role: 'row', 'aria-rowindex': 1 },
      this.columns.map(([name, words]) => h('span', { class: `cell ${name}`, role: 'columnheader' }, words)),
    );
    this.element = h(
      'div',
      {
        class: `rows ${this.class ?? ''}`,
        role: this.role,
        tabindex: 0,
        'aria-label': this.label,
        on: { scroll: () => this.soon(), keydown: (e) => this.key(e), click: (e) => this.click(e) },
      },
      this.head,
      this.space,
    );
    this.space.setAttribute('aria-label', `${this.label}: rows`);
    new ResizeObserver(() => this.soon()).observe(this.element);
  }

  soon() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      this.paint();
    });
  }

  // Takes over the items. Rows that came above keep those in sight where they are, unless the top is in sight.
  set(items) {
    const at = this.element.scrollTop;
    const first = at > this.height && this.items[Math.floor(at / this.height)];
    this.items = items;
    this.element.setAttribute('aria-rowcount', items.length + 1);
    this.space.style.height = `${items.length * this.height}px`;
    if (first && this.stays) {
      const now = this.indexOf(this.keyOf(first));
      if (now >= 0) this.element.scrollTop = now * this.height + (at % this.height);
    }
    this.paint();
  }

  indexOf(key) {
    return key === null ? -1 : this.items.findIndex((item) => this.keyOf(item) === key);
  }

  // Everything in sight anew: what rows are drawn from has changed.
  redraw() {
    for (const { element } of this.drawn.values()) element.remove();
    this.drawn.clear();
    this.paint();
  }

  paint() {
    const top = this.element.scrollTop;
    const from = Math.max(0, Math.floor(top / this.height) - BEYOND);
    const to = Math.min(this.items.length, Math.ceil((top + this.element.clientHeight) / this.height) + BEYOND);
    const wanted = new Map();
    for (let i = from; i < to; i++) wanted.set(this.keyOf(this.items[i]), i);
    for (const [key, row] of this.drawn) {
      const i = wanted.get(key);
      if (i !== undefined && row.version === this.versionOf(this.items[i])) continue;
      row.element.remove();
      this.drawn.delete(key);
    }
    for (const [key, i] of wanted) this.place(key, i);
    this.mark();
  }

  place(key, i) {
    let row = this.drawn.get(key);
    if (!row) {
      const item = this.items[i];
      row = { element: this.draw(item), version: this.versionOf(item), at: -1 };
      row.element.id = `${this.id}-${key}`;
      row.element.dataset.key = key;
      row.element.classList.add('row');
      row.element.setAttribute('role', 'row');
      this.space.append(row.element);
      this.drawn.set(key, row);
    }
    if (row.at === i) return;
    row.at = i;
    row.element.style.transform = `translateY(${i * this.height}px)`;
    row.element.setAttribute('aria-rowindex', i + 2);
  }

  mark() {
    for (const [key, { element }] of this.drawn) {
      element.classList.toggle('active', key === this.active);
      element.setAttribute('aria-selected', key === this.active);
    }
    if (this.drawn.has(this.active)) this.element.setAttribute('aria-activedescendant', `${this.id}-${this.active}`);
    else this.element.removeAttribute('aria-activedescendant');
  }

  activate(i, quietly) {
    if (!this.items.length) return;
    i = Math.max(0, Math.min(this.items.length - 1, i));
    this.active = this.keyOf(this.items[i]);
    this.reveal(i);
    this.paint();
    if (!quietly) this.move(this.items[i]);
  }

  reveal(i) {
    const y = i * this.height;
    const room = this.element.clientHeight - this.head.offsetHeight;
    if (y < this.element.scrollTop) this.element.scrollTop = y;
    else if (y + this.height > this.element.scrollTop + room) this.element.scrollTop = y + this.height - room;
  }

  key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const at = this.indexOf(this.active);
    const page = Math.max(1, Math.floor(this.element.clientHeight / this.height) - 2);
    const step = {
      ArrowDown: at + 1,
      ArrowUp: at < 0 ? 0 : at - 1,
      PageDown: at + page,
      PageUp: at - page,
      Home: 0,
      End: Infinity,
    }[event.key];
    if (step !== undefined) this.activate(step);
    else if (event.key === 'Enter' && at >= 0) this.enter(this.items[at]);
    else if (!this.keys?.(event, this.items[at])) return;
    event.preventDefault();
  }

  click(event) {
    const element = event.target.closest('[data-key]');
    if (!element || String(getSelection())) return; // who marks text does not open
    const i = this.items.findIndex((item) => String(this.keyOf(item)) === element.dataset.key);
    if (i < 0 || this.clicked?.(event, this.items[i])) return;
    this.activate(i);
    this.enter(this.items[i]);
  }
}

export function cell(name, ...children) {
  return h('span', { class: `cell ${name}`, role: 'gridcell' }, ...children);
}
