import { deepStrictEqual } from 'node:assert'
import { test } from 'node:test'
import type { RedisConnection } from '../../../src/adapters/redis/connection.ts'
import { keysWith } from '../../../src/adapters/redis/keys.ts'
import { RedisLedger } from '../../../src/adapters/redis/ledger.ts'
import type { RedisNodeLease } from '../../../src/adapters/redis/node-lease.ts'
import { FakeClock } from '../../support/fake-clock.ts'

/** An index of deadlines with one member that is always due, and no command. */
function ledgerOf(removed: unknown[]): RedisLedger {
  let isThere = true
  const connection = {
    run: async (_script: unknown, [key]: readonly string[]) =>
      isThere && key === keys.deadlinesOf('c-1') ? ['CP-1\u0001c-1'] : [],
    send: async (_key: string, [command, ...rest]: readonly unknown[]) => {
      if (command !== 'ZREM') return {}
      removed.push(rest)
      isThere = false
      return 1
    }
  } as unknown as RedisConnection
  const lease = { incarnation: '1', isAlive: async () => true } as unknown as RedisNodeLease
  return new RedisLedger({ connection, keys, nodeId: 'a', lease, clock: new FakeClock(), commandMemoryMs: 1 })
}

const keys = keysWith('cpg:')

test('a deadline whose command is not there yet stays: the clock of this node may be minutes ahead of the one that claims', async () => {
  const removed: unknown[] = []
  const ledger = ledgerOf(removed)
  // A sweep once a second; a claim has three seconds, and its node says when it is due.
  for (const nowMs of [1_000, 2_000, 6_000]) await ledger.overdue(nowMs, 100)
  deepStrictEqual(removed, [])
  await ledger.overdue(7_000, 100)
  deepStrictEqual(removed, [[keys.deadlinesOf('c-1'), 'CP-1\u0001c-1']])
})
