// span.js: one span in three columns: what was received, what was sent, what the backends answered; and why a tag is
// not where one looked for it.
// SPDX-License-Identifier: Apache-2.0
import { ask } from './api.js';
import { button, copy, h, outside, plain, refill } from './dom.js';
import { any, clock, count, duration, several, typeOf } from './format.js';
import { alone } from './tree.js';

const FATES = {
  renamed: 'renamed',
  kept: 'kept',
  resource: 'resource',
  field: 'field',
  event: 'event',
  used: 'used',
  left_out: 'left out',
};
const STATES = { queued: 'queued', sent: 'sent', retrying: 'is tried again', rejected: 'rejected', dropped: 'dropped' };
const PLACES = [
  ['field', 'Fields'],
  ['span', 'Attributes'],
  ['resource', 'Resource'],
  ['scope', 'Scope'],
  ['event', 'Events'],
  ['link', 'Links'],
];
const SECTIONS = { span: 'Fields', headers: 'Headers', chunk: 'Chunk', payload: 'Payload' };
const OTLP_TARGET = 'http://127.0.0.1:4318/v1/traces';

// For a shell: JSON in single quotes, everything beyond ASCII escaped.
export function curlOf(span) {
  const json = JSON.stringify(alone(span)).replace(
    /[\u007f-\uffff]/g,
    (c) => '\\u' + c.charCodeAt(0).toString(16).padStart(4, '0'),
  );
  return `curl -H 'Content-Type: application/json' ${OTLP_TARGET} --data-raw '${json.replaceAll("'", "'\\''")}'`;
}

// A name's row in the reference, shown by mapping.js.
function rowLink(row) {
  return row
    ? h(
        'a',
        {
          class: 'row-link',
          href: `#/mapping?row=${encodeURIComponent(row)}`,
          title: 'docs/reference/mapping.md, this row',
        },
        'row',
      )
    : null;
}

// What the trace has of a span, where ddgate cannot explain it (any more).
function withoutExplanation(span) {
  const of = (attributes, where) => (attributes ?? []).map((a) => ({ name: a.key, where, value: a.value }));
  return {
    span: span.span,
    attributes: [...of(span.attributes, 'span'), ...of(span.resource?.attributes, 'resource')],
  };
}

function listOf(names) {
  return (names ?? []).flatMap((name, i) => [i ? ', ' : '', outside(name, { class: 'mono' })]);
}

function facts(rows) {
  return h(
    'dl',
    { class: 'facts' },
    rows
      .filter(([, v]) => v !== '' && v !== null && v !== undefined)
      .map(([name, v]) => [h('dt', {}, name), h('dd', {}, v instanceof Node ? v : outside(v))]),
  );
}

export class SpanPanel {
  constructor({ frame, close, reveal }) {
    Object.assign(this, { frame, close, reveal });
    this.heading = h('header', { class: 'span-head' });
    this.columns = h('div', { class: 'columns' });
    this.element = h('section', { class: 'span-panel', 'aria-label': 'Span' }, this.heading, this.columns);
  }

  clear() {
    this.asked?.abort();
    refill(this.heading);
    refill(this.columns);
  }

  async show(traceId, span, colour) {
    this.asked?.abort();
    this.asked = new AbortController();
    this.drawHead(span, colour);
    const path = `/api/traces/${encodeURIComponent(traceId)}/spans/${encodeURIComponent(span.id)}`;
    this.span = span;
    try {
      this.answer = await ask(path, { signal: this.asked.signal });
    } catch (error) {
      if (error.name === 'AbortError') return;
      this.answer = { sent: [withoutExplanation(span)], missing: error.message };
    }
    this.draw();
  }

  drawHead(span, colour) {
    refill(
      this.heading,
      h('span', { class: `dot ${colour}` }),
      h('h3', {}, outside(span.name)),
      outside(span.service, { class: 'dim' }),
      h(
        'span',
        { class: 'facts' },
        [span.kind, duration(span.length), span.logs.length && several(span.logs.length, 'log line')]
          .filter(Boolean)
          .join(' · '),
      ),
      span.error && h('span', { class: 'flag' }, 'error'),
      outside(span.span.status?.message ?? '', { class: 'errors' }),
      h('code', { class: 'id' }, span.id),
      h(
        'span',
        { class: 'tools' },
        button('Copy as curl', () => copy(curlOf(span), 'curl command'), {
          title: `Sends this span as OTLP/JSON to ${OTLP_TARGET}`,
        }),
        button('Close', () => this.close(), { 'aria-keyshortcuts': 'Escape' }),
      ),
    );
  }

  draw() {
    this.tagRows = [];
    this.attributeRows = [];
    const missing = h('input', {
      type: 'search',
      placeholder: 'Why is … missing?',
      'aria-label': 'Why is a tag missing? Its name or value',
      spellcheck: 'false',
      autocomplete: 'off',
      on: { input: (e) => this.search(e.target.value) },
    });
    this.told = h('p', { class: 'dim told', role: 'status' });
    refill(
      this.columns,
      h(
        'section',
        { class: 'column', 'aria-label': 'Received', tabindex: 0 },
        h('h4', {}, 'Received ', missing),
        this.told,
        this.received(),
      ),
      h('section', { class: 'column', 'aria-label': 'Sent', tabindex: 0 }, h('h4', {}, 'Sent'), this.sent()),
      h(
        'section',
        { class: 'column', 'aria-label': 'Answered', tabindex: 0 },
        h('h4', {}, 'Answered'),
        this.answered(),
        this.lines(),
      ),
    );
  }

  /* --- received --- */

  received() {
    const { received: r, missing } = this.answer;
    if (!r) return h('p', { class: 'wrong', role: 'alert' }, missing ?? 'What was received is not kept any more.');
    const client = r.client ?? {};
    const who = [client.language, client.language_version].filter(Boolean).join(' ');
    return [
      facts([
        ['time', clock(r.time)],
        ['by', [r.receiver, r.protocol, r.transport].filter(Boolean).join(' · ')],
        ['client', [who, client.version && `tracer ${client.version}`, client.address].filter(Boolean).join(' · ')],
      ]),
      r.in_part && h('p', { class: 'dim' }, 'The request is large: what became of some tags was not looked into.'),
      this.sections([...(r.fields ?? []), ...(r.tags ?? [])]).map(([name, tags]) =>
        this.tagTable(SECTIONS[name] ?? name, tags),
      ),
    ];
  }

  sections(tags) {
    const found = new Map();
    for (const tag of tags) found.set(tag.section, [...(found.get(tag.section) ?? []), tag]);
    return [...found];
  }

  tagTable(name, tags) {
    if (!tags.length) return null;
    return h(
      'table',
      { class: 'pairs' },
      h('caption', {}, name, h('span', { class: 'dim' }, ` ${count(tags.length)}`)),
      h(
        'tbody',
        {},
        tags.map((tag) => this.tagRow(tag)),
      ),
    );
  }

  tagRow(tag) {
    const to = (tag.to ?? []).filter((name) => name !== tag.name);
    const isOnlyKept = tag.fate === 'kept' && !tag.row && !to.length;
    const element = h(
      'tr',
      {
        class: `tag ${tag.fate}`,
        'data-tag': true,
        on: { pointerenter: () => this.light(tag, null), pointerleave: () => this.light() },
      },
      h('th', { scope: 'row' }, outside(tag.name)),
      h('td', { class: 'value' }, outside(tag.value)),
      h('td', { class: 'badges' }, h('span', { class: 'badge' }, FATES[tag.fate] ?? tag.fate)),
      isOnlyKept
        ? null
        : h(
            'td',
            { class: 'fate' },
            to.length > 0 && ['→ ', listOf(to), ' '],
            tag.why && outside(tag.why, { class: 'dim' }),
            ' ',
            rowLink(tag.row),
          ),
    );
    this.tagRows.push({ tag, element });
    return element;
  }

  search(words) {
    const wanted = words.trim().toLowerCase();
    let shown = 0;
    for (const { tag, element } of this.tagRows) {
      const fits = !wanted || `${tag.name}\n${tag.value}\n${(tag.to ?? []).join('\n')}`.toLowerCase().includes(wanted);
      element.hidden = !fits;
      element.classList.toggle('asked', Boolean(wanted));
      shown += fits;
    }
    for (const table of this.columns.querySelectorAll('table.pairs')) {
      if (table.querySelector('[data-tag]')) table.hidden = !table.querySelector('[data-tag]:not([hidden])');
    }
    this.told.textContent = !wanted
      ? ''
      : shown
        ? `${count(shown)} received`
        : `Not received: no field or tag that came has “${plain(words.trim())}” in its name or value.`;
  }

  // Shows which attributes a tag became, or which tags an attribute came from.
  light(tag, attribute) {
    for (const row of this.tagRows)
      row.element.classList.toggle('lit', row.tag === tag || Boolean(attribute?.from?.includes(row.tag.name)));
    for (const row of this.attributeRows) {
      row.element.classList.toggle(
        'lit',
        row.attribute === attribute || Boolean(tag && (row.attribute.from ?? []).includes(tag.name)),
      );
    }
  }

  /* --- sent --- */

  sent() {
    const { sent } = this.answer;
    if (!sent?.length) return h('p', { class: 'dim' }, 'Nothing: no exporter takes traces.');
    return sent.map((one) => [
      one.schema && h('p', { class: 'schema' }, h('strong', {}, 'mode ', one.schema), ' for ', listOf(one.exporters)),
      ...PLACES.map(([where, name]) =>
        this.attributeTable(
          name,
          (one.attributes ?? []).filter((a) => a.where === where),
        ),
      ),
    ]);
  }

  attributeTable(name, attributes) {
    if (!attributes.length) return null;
    return h(
      'table',
      { class: 'pairs' },
      h('caption', {}, name, h('span', { class: 'dim' }, ` ${count(attributes.length)}`)),
      h(
        'tbody',
        {},
        attributes.map((a) => this.attributeRow(a)),
      ),
    );
  }

  attributeRow(attribute) {
    const from = (attribute.from ?? []).filter((name) => name !== attribute.name);
    const element = h(
      'tr',
      { on: { pointerenter: () => this.light(null, attribute), pointerleave: () => this.light() } },
      h('th', { scope: 'row' }, outside(attribute.name)),
      h('td', { class: 'value', title: typeOf(attribute.value) }, outside(any(attribute.value))),
      h(
        'td',
        { class: 'fate' },
        from.length ? ['← ', listOf(from)] : '',
        attribute.why && [' ', outside(attribute.why, { class: 'dim' })],
        ' ',
        rowLink(attribute.row),
      ),
    );
    this.attributeRows.push({ attribute, element });
    return element;
  }

  /* --- answered --- */

  answered() {
    const { answered } = this.answer;
    if (!answered?.length) return h('p', { class: 'dim' }, 'No exporter has this span.');
    return h(
      'ul',
      { class: 'answers' },
      answered.map((a) =>
        h(
          'li',
          { class: a.state },
          h(
            'p',
            {},
            outside(a.exporter, { class: 'mono' }),
            ' ',
            h('strong', {}, STATES[a.state] ?? a.state),
            a.attempts > 1 ? ` after ${count(a.attempts)} attempts` : '',
          ),
          facts([
            ['queued', clock(a.queued)],
            ['answered', this.answerTime(a)],
          ]),
          a.text && h('blockquote', {}, outside(a.text)),
        ),
      ),
    );
  }

  answerTime(a) {
    if (!a.answered || a.answered === '0') return '';
    return a.queued
      ? `${clock(a.answered)}, after ${duration(Number(BigInt(a.answered) - BigInt(a.queued)))}`
      : clock(a.answered);
  }

  lines() {
    const { logs, events } = this.span;
    return [
      logs.length > 0 && [
        h('h4', {}, 'Log lines'),
        h(
          'ol',
          { class: 'lines' },
          logs.map((l) =>
            h(
              'li',
              {},
              h('span', { class: 'time' }, clock(String(l.at))),
              h('span', { class: 'severity' }, l.severity),
              outside(l.body, { class: 'text' }),
            ),
          ),
        ),
      ],
      events.length > 0 && [
        h('h4', {}, 'Events'),
        events.map((e) =>
          h(
            'details',
            { class: 'event' },
            h('summary', {}, outside(e.name), ' ', clock(e.timeUnixNano)),
            facts((e.attributes ?? []).map((a) => [a.key, any(a.value)])),
          ),
        ),
      ],
    ];
  }
}
