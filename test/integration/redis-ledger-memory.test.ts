import { ok } from 'node:assert'
import { type TestContext, test } from 'node:test'
import { RespConnection } from '../../scripts/services/resp.ts'
import { keysWith } from '../../src/adapters/redis/keys.ts'
import { claimedCommand } from '../support/claimed-command.ts'
import { emptyRedis, freshPrefix, startedRedisNode } from '../support/redis-nodes.ts'
import { withRedis } from '../support/services.ts'

// Whoever gave a command may give it again as long as it could still be sent: by then it has to be known.

const redis = withRedis()
const dayMs = 86_400_000
const outcome = { outcome: 'not_sent', reason: 'offline' } as const

async function ledgerOf(t: TestContext) {
  const address = { cluster: false, url: redis().url }
  const keyPrefix = freshPrefix()
  const { ledger } = await startedRedisNode(t, address, { keyPrefix, commandMemoryMs: dayMs })
  const raw = await RespConnection.open(Number(new URL(redis().url).port))
  t.after(() => raw.close())
  const rememberedMs = async () => Number(await raw.command('PTTL', keysWith(keyPrefix).command('CP-1', 'c-1')))
  const nowMs = Date.now()
  const record = claimedCommand('c-1', {
    node: 'node-a',
    requestedAtMs: nowMs,
    expiresAtMs: nowMs + 7 * dayMs,
    forgetAtMs: nowMs + 8 * dayMs
  })
  return { ledger, record, rememberedMs, empty: () => emptyRedis(address) }
}

test('a command that was settled long before it expires is remembered until after that', async (t) => {
  const { ledger, record, rememberedMs } = await ledgerOf(t)
  await ledger.claim(record)
  ok(await ledger.settle('c-1', outcome, Date.now()))
  ok((await rememberedMs()) > 7 * dayMs)
})

test('so is one that its node tells an emptied ledger of', async (t) => {
  const { ledger, record, rememberedMs, empty } = await ledgerOf(t)
  await ledger.claim(record)
  await empty()
  ok(await ledger.settleKept(record, outcome, Date.now()))
  ok((await rememberedMs()) > 7 * dayMs)
})
