// dom.js: builds elements, and shows text from outside as text. Whatever a client sent enters the document through
// `put` only: as text nodes, with characters that would be invisible or would reorder their surroundings (controls,
// escape, bidirectional overrides) drawn as marks.
// SPDX-License-Identifier: Apache-2.0

// Controls but tab and line feed, soft hyphen, bidirectional and zero-width characters, tags, lone surrogates.
const HIDDEN = new RegExp(
  '[\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f\\u00ad\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5' +
    '\\u180b-\\u180e\\u200b\\u200e\\u200f\\u2028-\\u202e\\u2060-\\u206f\\u3164\\ufeff\\uffa0\\ufff9-\\ufffb' +
    '\\u{e0000}-\\u{e0fff}\\ud800-\\udfff]',
  'gu',
);

function markOf(character) {
  const code = character.codePointAt(0);
  if (code < 0x20) return String.fromCharCode(0x2400 + code); // ␀ … ␛
  if (code === 0x7f) return '\u2421';
  return 'U+' + code.toString(16).toUpperCase().padStart(4, '0');
}

// The same for places that take no elements: titles, labels.
export function plain(text) {
  return String(text ?? '').replace(HIDDEN, (c) => `\u27e8${markOf(c)}\u27e9`);
}

// Appends text from outside. Line breaks and tabs stay; in one line the style sheet decides how they look.
export function put(element, text) {
  text = String(text ?? '');
  let from = 0;
  for (const match of text.matchAll(HIDDEN)) {
    if (match.index > from) element.append(text.slice(from, match.index));
    const mark = document.createElement('span');
    mark.className = 'hidden-character';
    mark.textContent = markOf(match[0]);
    element.append(mark);
    from = match.index + match[0].length;
  }
  if (from < text.length) element.append(text.slice(from));
  return element;
}

// An element. `properties`: `class`, `on` (listeners by event), `style` (custom properties and lengths), any
// attribute; true is an attribute without a value, false, null and undefined leave it out. Children: elements, or text
// of this page's own or from outside, both by `put`.
export function h(tag, properties, ...children) {
  return fill(setUp(document.createElement(tag), properties), ...children);
}

export function svg(tag, properties, ...children) {
  return fill(setUp(document.createElementNS('http://www.w3.org/2000/svg', tag), properties), ...children);
}

function setUp(element, properties) {
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (value === false || value === null || value === undefined) continue;
    if (name === 'on') for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    else if (name === 'style') for (const [key, v] of Object.entries(value)) element.style.setProperty(key, v);
    else element.setAttribute(name, value === true ? '' : plain(value));
  }
  return element;
}

// Appends elements and texts, in lists of any depth; false and nothing are left out.
export function fill(element, ...children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    if (child instanceof Node) element.append(child);
    else put(element, child);
  }
  return element;
}

// The same, instead of what is there.
export function refill(element, ...children) {
  element.replaceChildren();
  return fill(element, ...children);
}

// Text from outside, isolated: right-to-left text in it does not move what stands next to it.
export function outside(text, properties) {
  return put(setUp(document.createElement('bdi'), properties), text);
}

export function button(words, click, properties) {
  return h('button', { type: 'button', ...properties, on: { click } }, words);
}

// For those who listen: one sentence, when something that they asked for has happened.
export function speak(words) {
  document.getElementById('spoken').textContent = words;
}

export async function copy(text, what) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // no secure context: an address that is not this machine, without TLS
    const area = h('textarea', { class: 'spoken', 'aria-hidden': 'true' });
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand('copy');
    area.remove();
  }
  speak(`${what} copied`);
}
