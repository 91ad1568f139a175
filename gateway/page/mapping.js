// mapping.js: docs/reference/mapping.md, of which this ddgate brings a copy, with one row shown: where the links of a
// span's tags and attributes lead.
// SPDX-License-Identifier: Apache-2.0
import { address } from './api.js';
import { h, put, refill } from './dom.js';

// Text of Markdown in one line: `code` and [links](…), which stay text.
function inline(element, text) {
  text
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .split(/(`[^`]*`)/)
    .forEach((part) => {
      if (part.startsWith('`') && part.endsWith('`') && part.length > 1)
        element.append(h('code', {}, part.slice(1, -1)));
      else put(element, part.replaceAll('\\|', '|'));
    });
  return element;
}

function cellsOf(line) {
  return line
    .replace(/^\||\|\s*$/g, '')
    .split(/(?<!\\)\|/)
    .map((c) => c.trim());
}

function tableOf(lines) {
  const [head, , ...rows] = lines.map(cellsOf);
  return h(
    'table',
    { class: 'grid' },
    h(
      'thead',
      {},
      h(
        'tr',
        {},
        head.map((c) => inline(h('th', { scope: 'col' }), c)),
      ),
    ),
    h(
      'tbody',
      {},
      rows.map((row) =>
        h(
          'tr',
          { 'data-row': row.join(' ') },
          row.map((c) => inline(h('td'), c)),
        ),
      ),
    ),
  );
}

function* blocksOf(text) {
  for (const block of text.replace(/<!--[^]*?-->/g, '').split(/\n\s*\n/)) {
    const lines = block.trim().split('\n');
    if (lines[0].startsWith('#'))
      yield inline(h(`h${Math.min(4, 1 + lines[0].match(/^#+/)[0].length)}`), lines[0].replace(/^#+\s*/, ''));
    else if (lines[0].startsWith('|')) yield tableOf(lines);
    else if (lines[0]) yield inline(h('p'), lines.join(' '));
  }
}

export const mapping = {
  title: 'Mapping',

  make(frame) {
    this.frame = frame;
    this.box = h('input', {
      type: 'search',
      placeholder: 'A tag or attribute',
      'aria-label': 'Find a tag or attribute in the reference',
      on: { input: () => this.find(this.box.value) },
    });
    this.text = h('div', { class: 'reference' });
    return h(
      'section',
      { class: 'view scrolls', 'aria-label': 'Mapping', tabindex: 0 },
      h(
        'div',
        { class: 'bar', role: 'search' },
        h(
          'a',
          {
            class: 'back',
            href: '#/traces',
            on: {
              click: (e) => {
                e.preventDefault();
                history.back();
              },
            },
          },
          '← back',
        ),
        this.box,
        h('span', { class: 'dim' }, 'docs/reference/mapping.md of this version'),
      ),
      this.text,
    );
  },

  async show(rest, parameters) {
    try {
      this.loaded ??= await (await fetch(address('/mapping.md'))).text();
    } catch {
      this.frame.trouble('ddgate does not answer.');
      return;
    }
    if (!this.text.firstChild) refill(this.text, ...blocksOf(this.loaded));
    this.box.value = parameters.get('row') ?? '';
    this.find(this.box.value);
  },

  hide() {},

  find(words) {
    const wanted = words.trim().toLowerCase();
    const fits = (row) => [...row.querySelectorAll('code')].some((c) => c.textContent.toLowerCase() === wanted);
    const rows = [...this.text.querySelectorAll('[data-row]')];
    const exact = wanted ? rows.filter(fits) : [];
    const found = exact.length ? exact : wanted ? rows.filter((r) => r.dataset.row.toLowerCase().includes(wanted)) : [];
    for (const row of rows) row.classList.toggle('lit', found.includes(row));
    found[0]?.scrollIntoView({ block: 'center' });
  },

  key(event) {
    if (event.key !== 'Escape') return false;
    history.back();
    return true;
  },
};
