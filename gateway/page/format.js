// format.js: numbers, times, durations and OTLP values as people read them. Pure functions.
// SPDX-License-Identifier: Apache-2.0

const UNITS = [
  [1e9, 's'],
  [1e6, 'ms'],
  [1e3, 'µs'],
];

// Nanoseconds, three digits: 14.3 ms.
export function duration(ns) {
  if (!Number.isFinite(ns)) return '';
  if (ns >= 60e9) return `${Math.floor(ns / 60e9)} m ${Math.round((ns % 60e9) / 1e9)} s`;
  for (const [size, unit] of UNITS) if (ns >= size) return `${three(ns / size)} ${unit}`;
  return `${Math.round(ns)} ns`;
}

export function seconds(s) {
  if (s === null || s === undefined) return '';
  if (s < 100) return `${three(s)} s`;
  if (s === 3600) return '1 h';
  if (s < 600) return `${Math.round(s / 6) / 10} min`;
  if (s < 7200) return `${Math.round(s / 60)} min`;
  return s < 172800 ? `${Math.round(s / 3600)} h` : `${Math.round(s / 86400)} d`;
}

export function three(x) {
  if (x === 0) return '0';
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(x))));
  return x
    .toFixed(Math.min(digits, 2))
    .replace(/(\.\d*?)0+$/, '$1')
    .replace(/\.$/, '');
}

export function count(n) {
  return Number(n ?? 0)
    .toLocaleString('en')
    .replaceAll(',', '\u202f');
}

export function bytes(n) {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let i = 0;
  for (n = Number(n ?? 0); n >= 1024 && i < units.length - 1; i++) n /= 1024;
  return `${three(n)} ${units[i]}`;
}

export function short(n) {
  const units = ['', 'k', 'M', 'G'];
  let i = 0;
  for (n = Number(n ?? 0); n >= 1000 && i < units.length - 1; i++) n /= 1000;
  return `${three(n)}${units[i]}`;
}

export function several(n, one, more = `${one}s`) {
  return `${count(n)} ${Number(n) === 1 ? one : more}`;
}

function pad(n, width) {
  return String(n).padStart(width, '0');
}

// Unix nanoseconds, a decimal string, as local time of day.
export function clock(ns) {
  if (!ns || ns === '0') return '';
  const d = new Date(Number(BigInt(ns) / 1000000n));
  return `${pad(d.getHours(), 2)}:${pad(d.getMinutes(), 2)}:${pad(d.getSeconds(), 2)}.${pad(d.getMilliseconds(), 3)}`;
}

// With the date, and all digits.
export function moment(ns) {
  if (!ns || ns === '0') return '';
  const d = new Date(Number(BigInt(ns) / 1000000n));
  const below = pad(BigInt(ns) % 1000000n, 6);
  return `${d.getFullYear()}-${pad(d.getMonth() + 1, 2)}-${pad(d.getDate(), 2)} ${clock(ns)}${below}`;
}

export function ago(ns, now = Date.now()) {
  if (!ns || ns === '0') return '';
  const s = Math.max(0, now / 1000 - Number(BigInt(ns) / 1000000n) / 1000);
  return s < 1.5 ? 'now' : `${seconds(Math.round(s))} ago`;
}

// An OTLP AnyValue as text.
export function any(value) {
  const v = plainValue(value);
  return v !== null && typeof v === 'object' ? JSON.stringify(v) : String(v ?? '');
}

function plainValue(value) {
  if (value === null || typeof value !== 'object') return value;
  if ('stringValue' in value) return value.stringValue;
  if ('intValue' in value) return value.intValue;
  if ('doubleValue' in value) return value.doubleValue;
  if ('boolValue' in value) return value.boolValue;
  if ('bytesValue' in value) return value.bytesValue;
  if ('arrayValue' in value) return (value.arrayValue.values ?? []).map(plainValue);
  if ('kvlistValue' in value)
    return Object.fromEntries((value.kvlistValue.values ?? []).map((p) => [p.key, plainValue(p.value)]));
  return Object.keys(value).length ? value : '';
}

export function typeOf(value) {
  return value && typeof value === 'object' ? (Object.keys(value)[0] ?? '').replace('Value', '') : '';
}

export const KINDS = ['', 'internal', 'server', 'client', 'producer', 'consumer'];

const SEVERITIES = ['', 'trace', 'debug', 'info', 'warn', 'error', 'fatal'];

// The class of a severity number of OTLP (1 to 24).
export function severity(number) {
  return SEVERITIES[Math.min(6, Math.floor((Number(number ?? 0) + 3) / 4))];
}

// A number for a name that stays the same, for its colour.
export function hash(text) {
  let x = 2166136261;
  for (let i = 0; i < text.length; i++) x = Math.imul(x ^ text.charCodeAt(i), 16777619);
  return x >>> 0;
}
