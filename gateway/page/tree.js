// tree.js: a trace out of OTLP/JSON: its spans as a tree in the order of time, its log lines, its critical path. No
// DOM. Times are nanoseconds since the trace's begin, as numbers.
// SPDX-License-Identifier: Apache-2.0
import { any, KINDS } from './format.js';

const ERROR = 2; // STATUS_CODE_ERROR

function attribute(list, name) {
  const found = list?.find((a) => a.key === name);
  return found ? any(found.value) : '';
}

function* spansOf(data) {
  for (const { resource, scopeSpans } of data.resourceSpans ?? []) {
    for (const { scope, spans } of scopeSpans ?? []) for (const span of spans ?? []) yield { span, resource, scope };
  }
}

function* recordsOf(data) {
  for (const { resource, scopeLogs } of data.resourceLogs ?? []) {
    for (const { logRecords } of scopeLogs ?? []) for (const record of logRecords ?? []) yield { record, resource };
  }
}

function makeSpan({ span, resource, scope }) {
  return {
    id: span.spanId,
    parent: span.parentSpanId ?? '',
    name: span.name ?? '',
    kind: KINDS[span.kind] ?? '',
    service: attribute(resource?.attributes, 'service.name'),
    from: BigInt(span.startTimeUnixNano ?? 0),
    to: BigInt(span.endTimeUnixNano ?? 0),
    error: span.status?.code === ERROR || span.status?.code === 'STATUS_CODE_ERROR',
    attributes: span.attributes ?? [],
    events: span.events ?? [],
    span,
    resource,
    scope,
    children: [],
    logs: [],
    path: [],
  };
}

function makeLog({ record, resource }) {
  return {
    at: BigInt(record.timeUnixNano || record.observedTimeUnixNano || 0),
    number: record.severityNumber ?? 0,
    severity: record.severityText ?? '',
    body: any(record.body),
    spanId: record.spanId ?? '',
    record,
    service: attribute(resource?.attributes, 'service.name'),
    span: null,
  };
}

function isAncestor(span, of) {
  for (let steps = 0; of && steps < 100000; of = of.above, steps++) if (of === span) return true;
  return false;
}

// Spans whose parent is not here are roots; so is one that would close a circle.
function link(spans) {
  const byId = new Map();
  for (const span of spans) if (!byId.has(span.id)) byId.set(span.id, span);
  const roots = [];
  for (const span of spans) {
    const parent = span.parent && byId.get(span.parent);
    if (parent && parent !== span && !isAncestor(span, parent)) {
      span.above = parent;
      parent.children.push(span);
    } else roots.push(span);
  }
  for (const span of spans) span.children.sort((a, b) => a.start - b.start || b.end - a.end);
  return { byId, roots: roots.sort((a, b) => a.start - b.start) };
}

function walk(roots) {
  const order = [];
  const stack = roots.map((span) => [span, 0]).reverse();
  while (stack.length) {
    const [span, depth] = stack.pop();
    span.depth = depth;
    order.push(span);
    for (let i = span.children.length - 1; i >= 0; i--) stack.push([span.children[i], depth + 1]);
  }
  return order;
}

// The critical path: back from the root's end, at each moment the child that ended last; what no child covers is the
// span's own. `path` of a span gets its parts.
function findPath(root) {
  const stack = [[root, root.end]];
  while (stack.length) {
    const [span, until] = stack.pop();
    let at = Math.min(span.end, until);
    for (const child of [...span.children].sort((a, b) => b.end - a.end)) {
      const end = Math.min(child.end, at);
      if (child.start >= at || end <= span.start) continue;
      if (end < at) span.path.push([end, at]);
      stack.push([child, end]);
      at = Math.max(child.start, span.start);
    }
    if (at > span.start) span.path.push([span.start, at]);
  }
}

function least(values, otherwise) {
  return values.reduce((a, b) => (b < a ? b : a), otherwise);
}

export function read(data) {
  const spans = [...spansOf(data)].map(makeSpan);
  const logs = [...recordsOf(data)].map(makeLog);
  const first = spans[0]?.from ?? logs[0]?.at ?? 0n;
  const begin = least(
    spans.map((s) => s.from),
    first,
  );
  for (const span of spans) {
    span.start = Number(span.from - begin);
    span.end = Math.max(span.start, Number(span.to - begin));
    span.length = span.end - span.start;
  }
  const { byId, roots } = link(spans);
  for (const log of logs) {
    log.time = Number(log.at - begin);
    log.span = byId.get(log.spanId) ?? null;
    log.span?.logs.push(log);
  }
  logs.sort((a, b) => a.time - b.time);
  const root = roots.find((s) => !s.parent) ?? roots[0];
  if (root) findPath(root);
  const end = spans.reduce((most, s) => Math.max(most, s.end), 0);
  return { begin, length: end || 1, spans: walk(roots), roots, root, byId, logs, services: servicesOf(spans) };
}

// Services in the order in which they appear, with their own time: that no child of a span covers.
function servicesOf(spans) {
  const found = new Map();
  for (const span of [...spans].sort((a, b) => a.start - b.start)) {
    const service = found.get(span.service) ?? { name: span.service, spans: 0, errors: 0, own: 0, at: found.size };
    service.spans++;
    service.errors += span.error;
    service.own += ownTime(span);
    found.set(span.service, service);
  }
  return found;
}

function ownTime(span) {
  let own = 0;
  let at = span.start;
  for (const child of span.children) {
    if (child.start > at) own += Math.min(child.start, span.end) - at;
    at = Math.max(at, Math.min(child.end, span.end));
    if (at >= span.end) break;
  }
  return own + Math.max(0, span.end - at);
}

// What "find" looks through, made once per span: name, service, every attribute, events and log lines.
export function haystack(span) {
  span.hay ??= [
    span.name,
    span.service,
    span.id,
    span.span.status?.message,
    ...span.attributes.map(pair),
    ...(span.resource?.attributes ?? []).map(pair),
    ...span.events.flatMap((e) => [e.name, ...(e.attributes ?? []).map(pair)]),
    ...span.logs.map((l) => l.body),
  ]
    .join('\n')
    .toLowerCase();
  return span.hay;
}

function pair(a) {
  return `${a.key}=${any(a.value)}`;
}

export function find(tree, words) {
  const wanted = words.trim().toLowerCase();
  return wanted ? tree.spans.filter((span) => haystack(span).includes(wanted)) : [];
}

// The same trace with one span alone, for a tool that takes OTLP/JSON.
export function alone(span) {
  return { resourceSpans: [{ resource: span.resource, scopeSpans: [{ scope: span.scope, spans: [span.span] }] }] };
}
