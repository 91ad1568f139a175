// chart.js: lines over time, up to the last hour, in one SVG; the pointer, or the arrows, read the values of one moment.
// SPDX-License-Identifier: Apache-2.0
import { h, plain, svg } from './dom.js';
import { seconds } from './format.js';

const WIDTH = 600;
const HEIGHT = 100;

// A path with a gap where nothing is known.
function pathOf(values, most) {
  let d = '';
  let pen = 'M';
  values.forEach((v, i) => {
    if (v === null || v === undefined) {
      pen = 'M';
      return;
    }
    d += `${pen}${((i / Math.max(1, values.length - 1)) * WIDTH).toFixed(1)} ${(HEIGHT - (v / most) * HEIGHT).toFixed(1)}`;
    pen = 'L';
  });
  return d;
}

function lastOf(values) {
  return values.findLast((v) => v !== null && v !== undefined) ?? 0;
}

// A round number not below: 1, 2 or 5 times a power of ten.
function above(x) {
  if (x <= 0) return 1;
  const size = 10 ** Math.floor(Math.log10(x));
  return [1, 2, 5, 10].find((f) => f * size >= x) * size;
}

// `series`: [{ name, values, css }], each value an amount per second; `words(v)` of a value; `step` seconds; `end`
// milliseconds.
export function chart({ title, series, words, step, end }) {
  const most = above(Math.max(0, ...series.flatMap((s) => s.values.filter(Number.isFinite))));
  const points = Math.max(0, ...series.map((s) => s.values.length));
  const line = svg('line', { class: 'cross', y1: 0, y2: HEIGHT, visibility: 'hidden' });
  const legend = series.map((s) => ({ s, value: h('span', { class: 'value' }) }));
  const at = h('span', { class: 'dim' });
  const picture = svg(
    'svg',
    { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: 'none', 'aria-hidden': 'true' },
    [0, 0.5, 1].map((y) => svg('line', { class: 'grid', x1: 0, x2: WIDTH, y1: y * HEIGHT, y2: y * HEIGHT })),
    series.map((s) => svg('path', { class: s.css, d: pathOf(s.values, most) })),
    line,
  );
  const read = (i) => {
    const known = i !== null && i >= 0 && i < points;
    line.setAttribute('visibility', known ? 'visible' : 'hidden');
    if (known) for (const x of ['x1', 'x2']) line.setAttribute(x, ((i / Math.max(1, points - 1)) * WIDTH).toFixed(1));
    at.textContent = known ? new Date(end - (points - 1 - i) * step * 1000).toLocaleTimeString() : 'now';
    for (const { s, value } of legend) value.textContent = words(known ? (s.values[i] ?? 0) : lastOf(s.values));
  };
  read(null);
  const area = h(
    'div',
    {
      class: 'plot',
      on: {
        pointermove: (e) => read(Math.round((e.offsetX / e.currentTarget.clientWidth) * (points - 1))),
        pointerleave: () => read(null),
      },
    },
    picture,
    h('span', { class: 'scale' }, words(most)),
  );
  return h(
    'figure',
    {
      class: 'chart',
      role: 'group',
      'aria-label': `${title}: ${series.map((s) => `${plain(s.name)} ${words(lastOf(s.values))}`).join(', ')}`,
    },
    h(
      'figcaption',
      {},
      h('strong', {}, title),
      ' ',
      legend.map(({ s, value }) => h('span', { class: `series ${s.css}` }, h('i', {}), s.name, ' ', value)),
      at,
    ),
    area,
    h(
      'div',
      { class: 'axis dim', 'aria-hidden': 'true' },
      h('span', {}, `${seconds(points * step)} ago`),
      h('span', {}, `${seconds((points * step) / 2)} ago`),
      h('span', {}, 'now'),
    ),
  );
}
