// traces.js: the live list of traces.
// SPDX-License-Identifier: Apache-2.0
import { h, outside } from './dom.js';
import { clock, count, duration, hash } from './format.js';
import { Live, nothingYet } from './live.js';
import { cell, Rows } from './rows.js';

const COLUMNS = [
  ['time', 'Time'],
  ['service', 'Service'],
  ['root', 'Root'],
  ['services', 'Services'],
  ['length', 'Duration'],
  ['number', 'Spans'],
  ['number', 'Errors'],
  ['number', 'Logs'],
  ['client', 'From'],
];
const WAYS = [
  'DD_AGENT_HOST=127.0.0.1 DD_TRACE_AGENT_PORT=8126 ddtrace-run python app.py',
  'OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4317 opentelemetry-instrument python app.py',
];
const DOTS = 8;

export function colour(service) {
  return `s${hash(service) % 12}`;
}

function dots(names) {
  return [
    names.slice(0, DOTS).map((name) => h('span', { class: `dot ${colour(name)}`, title: name })),
    names.length > DOTS && h('span', { class: 'dim' }, `+${names.length - DOTS}`),
  ];
}

// The length of the bar: a decade of duration is a ninth, from 1 µs to 1000 s.
function share(ns) {
  return `${Math.max(2, Math.min(100, ((Math.log10(Math.max(ns, 1e3)) - 3) / 9) * 100)).toFixed(1)}%`;
}

function draw(t) {
  return h(
    'div',
    { class: t.errors ? 'error' : '' },
    cell('time', clock(t.start)),
    cell('service', h('span', { class: `dot ${colour(t.service)}` }), outside(t.service)),
    cell('root', outside(t.root, { title: t.root }), !t.has_root && h('span', { class: 'note' }, 'root not here yet')),
    cell('services', dots(t.services ?? [])),
    cell('length', h('span', { class: 'measure', style: { '--share': share(t.duration) } }), duration(t.duration)),
    cell('number', count(t.spans)),
    cell(t.errors ? 'number errors' : 'number none', count(t.errors)),
    cell(t.logs ? 'number' : 'number none', count(t.logs)),
    cell('client', outside([t.receiver, t.client].filter(Boolean).join(' · '))),
  );
}

export const traces = {
  title: 'Traces',

  make(frame) {
    const list = new Rows({
      label: 'Traces',
      class: 'traces',
      columns: COLUMNS,
      height: 25,
      stays: true,
      draw,
      keyOf: (t) => t.trace_id,
      versionOf: (t) => t.seq,
      enter: (t) => frame.go(`#/trace/${encodeURIComponent(t.trace_id)}`),
    });
    this.list = list;
    this.live = new Live({
      what: 'traces',
      one: 'trace',
      example: 'service:web status:error min:200ms text',
      path: '/api/traces',
      event: 'trace',
      items: 'traces',
      key: (t) => t.trace_id,
      most: 1000,
      frame,
      list,
      empty: () => nothingYet('traces', WAYS),
      onFilter: (filter) => frame.go(filter ? `#/traces?filter=${encodeURIComponent(filter)}` : '#/traces'),
    });
    return h(
      'section',
      { class: 'view', 'aria-label': 'Traces' },
      this.live.bar,
      this.live.helpBox,
      this.live.wrong,
      list.element,
      this.live.emptyBox,
    );
  },

  show(rest, parameters) {
    this.live.show(parameters.get('filter') ?? '');
    if (!document.activeElement || document.activeElement === document.body) this.list.element.focus();
  },

  hide() {
    this.live.hide();
  },

  key(event) {
    if (event.key === 'p') this.live.pause(!this.live.paused);
    else if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      this.list.element.focus();
      this.list.activate(Math.max(0, this.list.indexOf(this.list.active)));
    } else return false;
    return true;
  },
};
