// SPDX-License-Identifier: Apache-2.0
// A Node service under dd-trace:
//
//     npm install
//     DD_SERVICE=node-app DD_ENV=testing DD_AGENT_HOST=127.0.0.1 DD_TRACE_AGENT_PORT=9529 node server.js
//
// dd-trace 5 runs on Node 18 and later, dd-trace 6 on Node 22 and later.
'use strict'

const tracer = require('dd-trace').init()
const http = require('http')

const server = http.createServer((request, response) => {
  tracer.trace('work', { resource: 'the work', tags: { 'work.items': 3 } }, () => {
    response.end('Hello, World!\n')
  })
})
server.listen(Number(process.env.PORT || 8083), '127.0.0.1', () => console.log(`listening on ${server.address().port}`))
