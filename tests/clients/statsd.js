// SPDX-License-Identifier: Apache-2.0

// Every kind of message of hot-shots, by a client with the options of the first argument (JSON). What is sampled is picked by
// numbers of our own: half of the visits, a quarter of the distribution.
'use strict'
const StatsD = require('hot-shots')

const fail = error => { console.error(error); process.exitCode = 1 }
const statsd = new StatsD({ globalTags: ['team:cart'], errorHandler: fail, ...JSON.parse(process.argv[2]) })
const dice = [0.1, 0.1, 0.9, 0.9, 0.3, 0.9, 0.9, 0.9]
let thrown = 0
Math.random = () => dice[thrown++ % 8]
for (let n = 0; n < 100; n++) {
  statsd.increment('shop.visits', 1, 0.5, ['route:/cart'])
  statsd.distribution('shop.sampled', n, 0.25)
}
for (let n = 0; n < 20; n++) {
  statsd.increment('shop.orders', 3, ['route:/cart', 'paid'])
  statsd.decrement('shop.stock', 2)
  statsd.gauge('shop.depth', n + 0.5)
  statsd.set('shop.users', `user${n % 7}`)
  statsd.histogram('shop.size', n)
  statsd.distribution('shop.price.bytes', n * 1.5)
  statsd.timing('shop.query', n * 10)
}
statsd.gauge('shop.then', 7, { timestamp: 1700000000 })
statsd.increment('shop.late', 5, { timestamp: 1700000000 })
statsd.event('deployed', 'two\nlines, häuser|pipes', {
  alert_type: 'error', aggregation_key: 'key', source_type_name: 'nagios', date_happened: new Date(1700000000000), priority: 'low', hostname: 'web-1'
}, ['color:red'])
statsd.check('shop.db', statsd.CHECKS.CRITICAL, { date_happened: new Date(1700000000000), hostname: 'db-1', message: 'no answer | m: none' }, ['db:orders'])
statsd.check('shop.cache', statsd.CHECKS.OK)
statsd.close(error => error && fail(error))
