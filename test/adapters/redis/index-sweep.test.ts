import { deepStrictEqual, strictEqual } from 'node:assert'
import { test } from 'node:test'
import type { RedisConnection } from '../../../src/adapters/redis/connection.ts'
import { RedisIndexSweep } from '../../../src/adapters/redis/index-sweep.ts'
import { keysWith } from '../../../src/adapters/redis/keys.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { memoryLogger } from '../../support/memory-logger.ts'

const keys = keysWith('cpg:')
const turns = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)))

/** A listing of charge points with entries and rows; `onRemove` runs as the entries leave. */
function sweepOf(entries: Set<string>, rows: Set<string>, onRemove: () => void = () => undefined) {
  const clock = new FakeClock()
  const logger = memoryLogger()
  let isUp = true
  const send = async (key: string, [command, ...rest]: readonly string[]) => {
    if (command === 'EXISTS') return [...rows].some((id) => keys.chargePoint(id) === key) ? 1 : 0
    if (key !== keys.chargePointIndex) return []
    const members = rest.slice(1).filter((member) => member !== '0')
    if (command === 'ZRANDMEMBER') return [...entries]
    if (command === 'ZADD') for (const member of members) entries.add(member)
    if (command === 'ZREM') {
      for (const member of members) entries.delete(member)
      onRemove()
    }
    return members.length
  }
  const connection = { send, state: () => ({ kind: isUp ? 'up' : 'down' }) } as unknown as RedisConnection
  const sweep = new RedisIndexSweep({ connection, keys, clock, logger })
  return {
    clock,
    sweep,
    away: (now: boolean) => {
      isUp = !now
    }
  }
}

test('a row that comes while its entry is dropped is listed all the same', async () => {
  const entries = new Set(['CP-1', 'CP-2', 'CP-3'])
  const rows = new Set(['CP-1'])
  const { sweep } = sweepOf(entries, rows, () => rows.add('CP-2'))
  strictEqual(await sweep.sweep(), 1)
  deepStrictEqual([...entries].sort(), ['CP-1', 'CP-2'])
})

test('entries are swept every minute while Redis is there, and no more after the end', async () => {
  const entries = new Set(['CP-1'])
  const { clock, sweep, away } = sweepOf(entries, new Set())
  const minute = async () => {
    clock.advance(60_000)
    await turns()
  }
  sweep.start()
  away(true)
  await minute()
  strictEqual(entries.size, 1)
  away(false)
  await minute()
  strictEqual(entries.size, 0)
  entries.add('CP-2')
  sweep.close()
  await minute()
  strictEqual(entries.size, 1)
})
