// page.js: the frame around the views: which of them the address names, the keyboard, the theme, the help.
// The address's fragment is the whole state that is worth a link: #/view/part?name=value.
// SPDX-License-Identifier: Apache-2.0
import { button, h } from './dom.js';
import { bytes, ago } from './format.js';
import { traces } from './traces.js';
import { trace } from './trace.js';
import { logs } from './logs.js';
import { script } from './script.js';
import { flow } from './flow.js';
import { fleet } from './fleet.js';
import { mapping } from './mapping.js';

const VIEWS = { traces, trace, logs, script, flow, fleet, mapping };
const UNDER = { trace: 'traces', mapping: 'traces' }; // the tab that a view without one belongs to
const main = document.getElementById('main');
let shown = null;
let theme = null;

function place() {
  const [path, parameters] = location.hash.replace(/^#\/?/, '').split('?', 2);
  const [name, ...rest] = path.split('/').map(decodeURIComponent);
  return { name: VIEWS[name] ? name : 'traces', rest, parameters: new URLSearchParams(parameters ?? '') };
}

// Changes the address; `replace` without a step in the history, and without telling the view.
function go(hash, replace) {
  if (replace) history.replaceState(null, '', hash);
  else location.hash = hash;
}

const frame = {
  go,
  trouble(words) {
    const at = document.getElementById('trouble');
    at.hidden = !words;
    if (at.textContent !== (words ?? '')) at.textContent = words ?? '';
  },
  recent(ring) {
    const at = document.getElementById('recent');
    if (!ring) return;
    at.textContent = !ring.filling
      ? 'max_memory has no room for recent data'
      : `${bytes(ring.used)} of ${bytes(ring.bytes)} of recent data` +
        (ring.oldest && ring.oldest !== '0' ? `, the oldest ${ago(ring.oldest)}` : '') +
        (ring.partial ? '; this list lacks some of it' : '');
    at.title =
      'ddgate keeps recent data while this page is open (admin.recent keeps it always).' +
      (ring.left_out ? ` ${ring.left_out} requests or lines were too large to be kept.` : '');
  },
  title(words) {
    document.title = words ? `${words} · ddgate` : 'ddgate';
  },
};

function show() {
  const { name, rest, parameters } = place();
  const view = VIEWS[name];
  frame.trouble('');
  if (shown !== view) {
    shown?.hide();
    shown = view;
    view.element ??= view.make(frame);
    main.replaceChildren(view.element);
    main.className = name;
    frame.title(view.title);
  }
  for (const link of document.querySelectorAll('nav [data-view]')) {
    if (link.dataset.view === (UNDER[name] ?? name)) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  view.show(rest, parameters);
}

/* --- theme --- */

const dark = matchMedia('(prefers-color-scheme: dark)');

function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === 'dark' : dark.matches;
}

function drawTheme() {
  theme.textContent = isDark() ? 'Light' : 'Dark';
  theme.title = `Show in ${isDark() ? 'light' : 'dark'} colours`;
}

function switchTheme() {
  const next = isDark() ? 'light' : 'dark';
  document.documentElement.dataset.theme = next;
  try {
    localStorage.setItem('ddgate.theme', next);
  } catch {
    // It holds until the page is closed.
  }
  drawTheme();
}

/* --- keyboard --- */

const KEYS = [
  ['↑ ↓', 'the row above, below; Page up, Page down, Home, End'],
  ['Enter', 'open the row'],
  ['Esc', 'close, go back'],
  ['← →', 'waterfall: fold, unfold a span'],
  ['/', 'the filter'],
  ['f', 'waterfall: find a span by name, attribute or value; Enter: the next, Shift+Enter: the one before'],
  ['z Z', 'waterfall: the time of this span, the whole trace'],
  ['r', 'trace: load it again, with what has come since'],
  ['p', 'pause, go on'],
  ['g then t l s f c', 'traces, logs, script, flow, fleet (clients)'],
  ['Ctrl+Enter', 'script: run'],
  ['d', 'dark or light'],
  ['?', 'this help'],
];
const GO = { t: 'traces', l: 'logs', s: 'script', f: 'flow', c: 'fleet' };
let going = false;

function help() {
  const dialog = document.getElementById('keys');
  dialog.replaceChildren(
    h('h2', { id: 'keys-title' }, 'Keys'),
    h(
      'dl',
      {},
      KEYS.map(([key, words]) => [h('dt', {}, h('kbd', {}, key)), h('dd', {}, words)]),
    ),
    h('p', {}, 'Everything here is also below ', h('a', { href: '/api/' }, '/api/'), ' as JSON.'),
    h(
      'p',
      {},
      button('Close', () => dialog.close(), { autofocus: true }),
    ),
  );
  dialog.showModal();
}

function isTyping(element) {
  return element.matches('input, textarea, select');
}

function onKey(event) {
  if (
    event.defaultPrevented ||
    event.altKey ||
    event.metaKey ||
    event.ctrlKey ||
    document.querySelector('dialog[open]')
  )
    return;
  if (isTyping(event.target)) {
    if (event.key === 'Escape') (shown.list?.element ?? main).focus();
    return;
  }
  const to = going && GO[event.key];
  going = event.key === 'g';
  if (to) go(`#/${to}`);
  else if (event.key === '?') help();
  else if (event.key === 'd') switchTheme();
  else if (event.key === '/') focusFilter();
  else if (!shown.key?.(event)) return;
  event.preventDefault();
}

function focusFilter() {
  const box = main.querySelector('input[type=search]');
  box?.focus();
  box?.select();
}

theme = document.getElementById('theme');
theme.addEventListener('click', switchTheme);
dark.addEventListener('change', drawTheme);
document.getElementById('help').addEventListener('click', help);
document.addEventListener('keydown', onKey);
addEventListener('hashchange', show);
drawTheme();
show();
