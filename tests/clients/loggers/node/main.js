// SPDX-License-Identifier: Apache-2.0
// Node's loggers as they are without a configuration, and winston in its formats for lines.
const winston = require('winston')
const { combine, timestamp, json, simple, printf, label } = winston.format
const line = printf(({ level, message, label, timestamp }) => `${timestamp} [${label}] ${level}: ${message}`) // of its manual
const transports = [new winston.transports.Console()]
for (const format of [combine(timestamp(), json()), combine(label({ label: 'shop.cart' }), timestamp(), line)]) {
  winston.createLogger({ format, transports }).error('boom')
}
require('pino')({ name: 'shop.cart' }).error({ order: 7 }, 'boom')
require('bunyan').createLogger({ name: 'shop.cart' }).error({ order: 7 }, 'boom')
const log4js = require('log4js')
log4js.configure({ appenders: { out: { type: 'stdout', layout: { type: 'basic' } } }, categories: { default: { appenders: ['out'], level: 'info' } } })
log4js.getLogger('shop.cart').error('boom')
