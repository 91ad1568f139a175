// live.js: what the lists of traces and of logs share: the filter with its help, pause, the stream, and words for a
// list that is empty. Items come newest first; one that comes again replaces itself.
// SPDX-License-Identifier: Apache-2.0
import { ask, query, Stream } from './api.js';
import { button, h, refill, speak } from './dom.js';
import { count, several } from './format.js';

const HELP = [
  ['word', 'in the root, a span, a service or a log line, in any letter case; "two words"'],
  ['service:web', 'spans or lines of this service'],
  ['name:"GET /a"', 'a span of this name'],
  ['status:error', 'with an error'],
  ['min:200ms  max:1s', 'not shorter, not longer'],
  ['kind:server', 'internal, server, client, producer, consumer'],
  ['host:node-1', 'of this host'],
  ['trace:7af3…', 'of this trace'],
  ['severity:warn', 'this severity, or worse'],
  ['http.route=/users', 'an attribute with this value'],
  ['-word', 'not so: a minus before any of these'],
];

export class Live {
  // `what`, `one` of them and an `example` of a filter, for words; `path`, `event`, `items` (the list's name in the
  // answer) of the API; `key` of an item; `most` items kept; `list`: the Rows; `empty()`: words for a ring without
  // any.
  constructor(options) {
    Object.assign(this, options);
    this.all = [];
    this.waiting = [];
    this.paused = false;
    this.filter = null; // not asked yet
    this.cursor = '';
    this.stream = new Stream({
      path: this.path,
      event: this.event,
      take: (item, id) => this.take(item, id),
      again: () => this.load(),
      missed: (n) => {
        this.missed += n;
        this.tell('live');
      },
      parameters: () => ({ filter: this.filter, since: this.cursor }),
      state: (s) => this.tell(s),
    });
    this.build();
  }

  build() {
    this.box = h('input', {
      type: 'search',
      placeholder: `Filter ${this.what}: ${this.example}`,
      'aria-label': `Filter ${this.what}`,
      'aria-keyshortcuts': '/',
      spellcheck: 'false',
      autocomplete: 'off',
      on: { change: () => this.search(), keydown: (e) => e.key === 'Enter' && this.search() },
    });
    this.helpBox = h(
      'dl',
      { class: 'filter-help', id: `${this.event}-filter-help`, hidden: true },
      HELP.map(([form, words]) => [h('dt', {}, h('code', {}, form)), h('dd', {}, words)]),
    );
    this.helpButton = button('Filter help', () => this.toggleHelp(), {
      'aria-expanded': 'false',
      'aria-controls': `${this.event}-filter-help`,
    });
    this.pauseButton = button('Pause', () => this.pause(!this.paused), {
      'aria-keyshortcuts': 'p',
      'aria-pressed': 'false',
    });
    this.stateBox = h('span', { class: 'state' });
    this.wrong = h('p', { class: 'wrong', role: 'alert', hidden: true });
    this.emptyBox = h('div', { class: 'empty', hidden: true });
    this.bar = h('div', { class: 'bar', role: 'search' }, this.box, this.helpButton, this.pauseButton, this.stateBox);
  }

  toggleHelp() {
    this.helpBox.hidden = !this.helpBox.hidden;
    this.helpButton.setAttribute('aria-expanded', !this.helpBox.hidden);
  }

  search() {
    if (this.box.value.trim() !== this.filter) this.onFilter(this.box.value.trim());
  }

  // Shows what the filter finds, and follows. Without a change it goes on where it was.
  async show(filter) {
    this.shown = true;
    if (filter === this.filter && this.cursor) return this.stream.open();
    this.filter = filter;
    this.box.value = filter;
    this.stream.close();
    return this.load();
  }

  async load() {
    const filter = this.filter;
    this.asked?.abort();
    this.asked = new AbortController();
    try {
      const answer = await ask(query(this.path, { filter, limit: this.most }), { signal: this.asked.signal });
      this.setUp(answer);
    } catch (error) {
      if (error.name !== 'AbortError') this.refused(error);
    }
  }

  setUp(answer) {
    this.wrong.hidden = true;
    this.box.removeAttribute('aria-invalid');
    this.frame.trouble('');
    this.frame.recent(answer.recent);
    this.cursor = answer.cursor;
    this.missed = 0;
    this.waiting = [];
    this.all = answer[this.items];
    this.draw();
    if (this.shown) this.stream.open();
  }

  refused(error) {
    this.tell('broken');
    if (error.status === 400) {
      this.wrong.textContent = error.message;
      this.wrong.hidden = false;
      this.box.setAttribute('aria-invalid', 'true');
      return;
    }
    this.frame.trouble(error.message);
    clearTimeout(this.again);
    if (error.status === 0 || error.status >= 500) this.again = setTimeout(() => this.shown && this.load(), 3000);
  }

  hide() {
    this.shown = false;
    clearTimeout(this.again);
    this.asked?.abort();
    this.stream.close();
  }

  take(item, id) {
    if (id) this.cursor = id;
    this.waiting.push(item);
    if (this.paused) this.tell('paused');
    else this.frameAsked ??= requestAnimationFrame(() => this.merge());
  }

  merge() {
    this.frameAsked = null;
    const fresh = new Map();
    for (const item of this.waiting) fresh.set(this.key(item), item);
    this.waiting = [];
    const kept = this.all.map((item) => {
      const again = fresh.get(this.key(item));
      if (!again) return item;
      fresh.delete(this.key(item));
      return again;
    });
    this.all = [...[...fresh.values()].reverse(), ...kept].slice(0, this.most);
    this.draw();
    if (this.live) this.tell('live');
  }

  draw() {
    this.list.set(this.all);
    this.emptyBox.hidden = this.all.length > 0;
    if (!this.emptyBox.hidden) refill(this.emptyBox, this.filter ? this.nothingFound() : this.empty());
  }

  nothingFound() {
    return [
      h('h2', {}, `None of the recent ${this.what} match`),
      h(
        'p',
        {},
        'New ones appear here by themselves. ',
        button('Show all', () => this.onFilter('')),
      ),
    ];
  }

  pause(on) {
    this.paused = on;
    this.pauseButton.textContent = on ? 'Go on' : 'Pause';
    this.pauseButton.setAttribute('aria-pressed', on);
    if (!on) this.merge();
    this.tell(on ? 'paused' : this.live ? 'live' : 'broken');
    speak(on ? 'Paused' : 'Live');
  }

  tell(state) {
    if (state === 'live') this.live = true;
    if (state === 'broken' || state === 'closed') this.live = false;
    const words = {
      live: `live, ${several(this.all.length, this.one)}${this.missed ? `, ${count(this.missed)} came too fast to be shown` : ''}`,
      hidden: 'waits',
      closed: '',
      broken: 'no connection',
    }[state];
    const shownState = this.paused ? 'paused' : state;
    this.stateBox.textContent = this.paused ? `paused, ${count(this.waiting.length)} new` : (words ?? '');
    this.stateBox.className = `state ${shownState}`;
  }
}

// How to send something, for a ring that is empty.
export function nothingYet(what, ways) {
  return [
    h('h2', {}, 'Nothing yet'),
    h(
      'p',
      {},
      `ddgate keeps recent ${what} in memory only while somebody looks: from now on, because this page is open. ` +
        `Option admin.recent keeps them from the start.`,
    ),
    h('p', {}, `Send some, and they appear here:`),
    ways.map((way) => h('pre', {}, way)),
  ];
}
