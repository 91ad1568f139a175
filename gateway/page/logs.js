// logs.js: the live tail of log lines; beside it the chosen line as it came, and the record that was made of it.
// SPDX-License-Identifier: Apache-2.0
import { button, copy, h, outside, put, refill } from './dom.js';
import { any, clock, moment, severity } from './format.js';
import { Live, nothingYet } from './live.js';
import { cell, Rows } from './rows.js';
import { colour } from './traces.js';

const COLUMNS = [
  ['time', 'Time'],
  ['severity', 'Severity'],
  ['service', 'Service'],
  ['text', 'Line'],
  ['link', 'Trace'],
];
const WAYS = [
  `curl -d '{"service":"web","message":"hello"}' http://127.0.0.1:9529/api/v2/logs`,
  'receivers = ( { type = "file"; path = "/var/log/app.log"; } );    # in ddgate.conf',
];
const FORMS = {
  json: 'read as JSON',
  logfmt: 'read as logfmt',
  text: 'read as text',
  script: 'read by a script',
  none: 'no fields: the whole line is the body',
  otlp: 'an OTLP record',
};
const SHORTEST = 2; // characters of a value that is looked for in the line

function draw(log) {
  return h(
    'div',
    { class: severity(log.severity_number) },
    cell('time', clock(log.time)),
    cell('severity', log.severity || severity(log.severity_number)),
    cell('service', h('span', { class: `dot ${colour(log.service ?? '')}` }), outside(log.service)),
    cell('text', outside(log.body)),
    cell('link', log.trace_id && h('a', { href: traceLink(log), tabindex: -1 }, log.trace_id.slice(-8))),
  );
}

function traceLink(log) {
  return `#/trace/${encodeURIComponent(log.trace_id)}${log.span_id ? `?span=${encodeURIComponent(log.span_id)}` : ''}`;
}

// Where the values of attributes stand in the line: [from, to, name], without overlaps, the longest first.
function placesIn(line, attributes) {
  const places = [];
  const named = Object.entries(attributes)
    .map(([name, v]) => [name, any(v)])
    .filter(([, v]) => v.length >= SHORTEST);
  for (const [name, value] of named.sort((a, b) => b[1].length - a[1].length)) {
    for (let at = line.indexOf(value); at >= 0; at = line.indexOf(value, at + 1)) {
      if (places.some(([from, to]) => at < to && at + value.length > from)) continue;
      places.push([at, at + value.length, name]);
      break;
    }
  }
  return places.sort((a, b) => a[0] - b[0]);
}

function lineWithFields(line, attributes) {
  const element = h('pre', { class: 'line', tabindex: 0, 'aria-label': 'The line as it came' });
  let at = 0;
  for (const [from, to, name] of placesIn(line, attributes)) {
    put(element, line.slice(at, from));
    element.append(h('mark', { title: name, 'data-field': name }, line.slice(from, to)));
    at = to;
  }
  return put(element, line.slice(at));
}

export const logs = {
  title: 'Logs',

  make(frame) {
    this.frame = frame;
    this.list = new Rows({
      label: 'Log lines',
      class: 'logs',
      columns: COLUMNS,
      height: 22,
      stays: true,
      draw,
      keyOf: (l) => l.seq,
      enter: (l) => this.choose(l),
      move: (l) => this.chosen && this.choose(l),
      clicked: (e) => Boolean(e.target.closest('a')),
    });
    this.live = new Live({
      what: 'log lines',
      one: 'log line',
      example: 'service:web severity:warn text',
      path: '/api/logs',
      event: 'log',
      items: 'logs',
      key: (l) => l.seq,
      most: 1000,
      frame,
      list: this.list,
      empty: () => nothingYet('log lines', WAYS),
      onFilter: (filter) => frame.go(filter ? `#/logs?filter=${encodeURIComponent(filter)}` : '#/logs'),
    });
    this.side = h('section', { class: 'side', tabindex: 0, 'aria-label': 'The chosen line', hidden: true });
    return h(
      'section',
      { class: 'view', 'aria-label': 'Logs' },
      this.live.bar,
      this.live.helpBox,
      this.live.wrong,
      h('div', { class: 'with-side' }, this.list.element, this.side),
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

  // The lines that are in the list, newest first, for the playground.
  lines(n) {
    return (this.live?.all ?? []).slice(0, n).map((l) => l.line || l.body);
  },

  choose(log) {
    this.chosen = log;
    this.side.hidden = !log;
    if (log) this.drawSide(log);
    else this.list.element.focus();
  },

  drawSide(log) {
    const line = log.line || log.body;
    refill(
      this.side,
      h(
        'p',
        { class: 'tools' },
        log.trace_id && h('a', { class: 'button', href: traceLink(log) }, 'Its trace'),
        button('Try a script on it', () => this.frame.go(`#/script?lines=${encodeURIComponent(line)}`)),
        button('Copy', () => copy(line, 'line')),
        button('Close', () => this.choose(null), { 'aria-keyshortcuts': 'Escape' }),
      ),
      h('h2', {}, 'Line'),
      lineWithFields(line, log.attributes ?? {}),
      h(
        'p',
        { class: 'dim' },
        [log.receiver, log.source].filter(Boolean).join(' · '),
        ' · ',
        FORMS[log.form] ?? log.form,
        log.script && [' ', outside(log.script, { class: 'mono' })],
      ),
      h('h2', {}, 'Record'),
      this.table([
        ['time', moment(log.time)],
        ['severity', `${log.severity ?? ''} (${log.severity_number ?? 0})`],
        ['body', log.body],
        ['trace_id', log.trace_id],
        ['span_id', log.span_id],
      ]),
      this.group('Attributes', log.attributes),
      this.group('Resource', log.resource),
    );
  },

  group(name, values) {
    const rows = Object.entries(values ?? {}).map(([key, v]) => [key, any(v)]);
    return rows.length ? [h('h2', {}, name), this.table(rows)] : null;
  },

  table(rows) {
    return h(
      'table',
      { class: 'pairs' },
      h(
        'tbody',
        {},
        rows
          .filter(([, v]) => v)
          .map(([name, v]) =>
            h(
              'tr',
              { on: { pointerenter: () => this.light(name), pointerleave: () => this.light(null) } },
              h('th', { scope: 'row' }, outside(name)),
              h('td', { class: 'value' }, outside(v)),
            ),
          ),
      ),
    );
  },

  light(name) {
    for (const mark of this.side.querySelectorAll('mark')) mark.classList.toggle('lit', mark.dataset.field === name);
  },

  key(event) {
    if (event.key === 'p') this.live.pause(!this.live.paused);
    else if (event.key === 'Escape' && this.chosen) this.choose(null);
    else return false;
    return true;
  },
};
