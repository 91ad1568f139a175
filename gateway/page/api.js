// api.js: asks ddgate. Answers are JSON; a refusal is an Error whose message is ddgate's own words.
// SPDX-License-Identifier: Apache-2.0

export class Refused extends Error {
  constructor(status, words) {
    super(words);
    this.status = status;
  }
}

function wordsOf(status, body) {
  try {
    const { error } = JSON.parse(body);
    if (error) return error;
  } catch {
    // Not of the API: a text, or a proxy between.
  }
  if (status === 401)
    return 'This ddgate asks for its token (admin.auth): reload the page and enter it as the password.';
  return body.trim().slice(0, 300) || `ddgate answers with status ${status}`;
}

export async function ask(path, options) {
  let response;
  try {
    response = await fetch(address(path), { cache: 'no-store', credentials: 'same-origin', ...options });
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new Refused(0, 'ddgate does not answer. This page goes on by itself when it is back.');
  }
  const body = await response.text();
  if (!response.ok) throw new Refused(response.status, wordsOf(response.status, body));
  try {
    return JSON.parse(body);
  } catch {
    throw new Refused(response.status, `the answer to ${path} is not JSON`);
  }
}

export function query(path, parameters) {
  const set = Object.entries(parameters).filter(([, v]) => v !== '' && v !== null && v !== undefined);
  return set.length ? `${path}?${new URLSearchParams(set)}` : path;
}

// The address without a name and password that it may have been opened with: browsers fetch nothing by such.
export function address(path) {
  return location.origin + path;
}

const LATER = 3000; // milliseconds from a stream that broke to the next try

// A stream of server-sent events that is closed while nobody can see it: a browser has six connections to one address,
// for all of its tabs. `parameters()` is asked at each start. After a break `again()` is called, which asks for the
// list and opens the stream anew: another ddgate may have taken the place of the first, with numbers of its own.
export class Stream {
  constructor({ path, parameters, event, take, missed, again, state }) {
    Object.assign(this, { path, parameters, event, take, missed, again, state, source: null, retry: 0 });
    this.onVisible = () => (document.hidden ? this.stop('hidden') : this.start());
  }

  open() {
    document.addEventListener('visibilitychange', this.onVisible);
    this.start();
  }

  start() {
    if (this.source || document.hidden) return;
    const source = (this.source = new EventSource(address(query(this.path, { ...this.parameters(), follow: 1 }))));
    source.addEventListener(this.event, (message) => this.take(JSON.parse(message.data), message.lastEventId));
    source.addEventListener('missed', (message) => this.missed(JSON.parse(message.data).missed));
    source.onopen = () => this.state('live');
    source.onerror = () => source === this.source && this.failed();
  }

  failed() {
    this.stop('broken');
    this.retry = setTimeout(() => this.again(), LATER);
  }

  stop(state) {
    clearTimeout(this.retry);
    this.source?.close();
    this.source = null;
    this.state(state);
  }

  close() {
    document.removeEventListener('visibilitychange', this.onVisible);
    this.stop('closed');
  }
}
