import { randomBytes } from 'node:crypto'
import type { LedgerRoll, RollPart } from '../../ports/ledger-roll.ts'
import type { RedisConnection } from './connection.ts'
import type { Keys } from './keys.ts'
import { scripts } from './scripts.ts'

export interface LedgerRollDeps {
  readonly connection: RedisConnection
  readonly keys: Keys
  readonly nodeId: string
}

/** One roll on each master: emptied, restarted or failed over, it begins anew. */
export function redisLedgerRoll({ connection, keys, nodeId }: LedgerRollDeps): LedgerRoll {
  return {
    read: async () =>
      Promise.all(
        connection.masterTags().map(async (part): Promise<RollPart> => {
          const fresh = randomBytes(9).toString('base64url')
          const reply = (await connection.run(scripts.rollRead, [keys.roll(part)], [fresh])) as string[]
          const [value = '', sinceMs, ...signed] = reply
          return { part, value, sinceMs: Number(sinceMs), signed }
        })
      ),
    sign: async (parts) => {
      await Promise.all(
        parts.map(({ part, value }) => connection.run(scripts.rollSign, [keys.roll(part)], [value, nodeId]))
      )
    }
  }
}
