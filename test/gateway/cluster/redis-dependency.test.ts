import { deepStrictEqual, match } from 'node:assert'
import { test } from 'node:test'
import { redisDependency } from '../../../src/gateway/cluster/redis-dependency.ts'
import type { LeaseState } from '../../../src/ports/node-lease.ts'

const said = (kind: LeaseState, detail?: string) =>
  redisDependency('gw-0', { kind, sinceMs: 7 }, { sinceMs: 9, ...(detail !== undefined && { detail }) })

test('readiness says of each state of the lease what does not work and what to do', () => {
  deepStrictEqual(said('held'), { name: 'redis', state: 'up', sinceMs: 7 })
  deepStrictEqual(said('held', 'it evicts'), {
    name: 'redis',
    state: 'degraded',
    sinceMs: 9,
    detail: 'it evicts; charge points go on'
  })
  deepStrictEqual([said('lost').state, said('away').state, said('taken').state], ['degraded', 'down', 'down'])
  deepStrictEqual([said('lost', 'it evicts').sinceMs, said('away', 'no answer').sinceMs], [7, 7])
  match(said('lost').detail ?? '', /registered again; charge points go on and new ones get in; new commands wait/)
  match(said('away', 'no answer').detail ?? '', /^no answer; charge points go on/)
  match(said('away').detail ?? '', /^Redis cannot be reached/)
})

test('a node id that another gateway uses is named, with what to do, and not as a Redis that is away', () => {
  const { detail = '' } = said('taken', 'Redis cannot be reached')
  match(detail, /^node_id_taken: .*"gw-0".*`node\.id` of its own/)
  match(detail, /^(?!.*cannot be reached)/)
})
