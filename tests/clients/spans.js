// SPDX-License-Identifier: Apache-2.0

// For each line on standard input one trace of dd-trace-js: live.root, live.child, live.leaf, with the line as resource.
'use strict'
const tracer = require('dd-trace').init()

require('readline').createInterface({ input: process.stdin }).on('line', name => {
  const tags = { 'resource.name': name }
  const root = tracer.startSpan('live.root', { tags: { ...tags, 'span.type': 'worker' } })
  const child = tracer.startSpan('live.child', { childOf: root, tags: { ...tags, 'work.items': 3 } })
  const leaf = tracer.startSpan('live.leaf', { childOf: child, tags })
  leaf.setTag('error', new Error('no such luck'))
  leaf.finish()
  child.finish()
  root.finish()
})
