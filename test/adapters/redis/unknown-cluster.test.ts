import { deepStrictEqual, rejects, strictEqual } from 'node:assert'
import { test } from 'node:test'
import { redisNode } from '../../support/redis-nodes.ts'

// Of no masters at all, none was emptied and none lacks a signature: a command that may have been written was taken for new, and a
// charge point that was not found for offline.
test('as long as the masters of a cluster are not known, nothing is said of what they hold', async (t) => {
  const node = redisNode({ cluster: true, rootNodes: ['redis://127.0.0.1:1'] }, { requestTimeoutMs: 100 })
  t.after(() => node.close())
  const away = { code: 'registry_unavailable', canRetry: true }
  await rejects(node.roll.read(), away)
  await rejects(node.lease.registryIsWhole(), away)
  await rejects(node.inspect(), away)
  await node.lease.begin()
  strictEqual(node.lease.state().kind, 'away')
  deepStrictEqual(node.state().kind, 'down')
})
