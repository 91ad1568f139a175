// SPDX-License-Identifier: Apache-2.0
// Works until its standard input ends; for a profiler to see.
require('dd-trace').init()
let ended = false
process.stdin.on('end', () => { ended = true }).resume()

function spin () {
  const until = Date.now() + 20
  let x = 0
  while (Date.now() < until) x += Math.sqrt(x + 1)
  if (!ended) setTimeout(spin, 1)
}
spin()
