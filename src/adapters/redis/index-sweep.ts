import type { Clock } from '../../ports/clock.ts'
import type { Logger } from '../../ports/logger.ts'
import type { TransactionRecord } from '../../ports/records.ts'
import type { RedisConnection } from './connection.ts'
import type { Keys } from './keys.ts'

const everyMs = 60_000
/** Entries of each index that are looked at together, drawn by lot: no node has to say how far it got. */
const entriesMax = 200

export interface IndexSweepDeps {
  readonly connection: RedisConnection
  readonly keys: Keys
  readonly clock: Clock
  readonly logger: Logger
}

/** Drops entries of the listings whose rows have expired or are no longer what is listed; Redis expires keys, not members. */
export class RedisIndexSweep {
  readonly #deps: IndexSweepDeps
  #cancel: () => void = () => undefined
  #closed = false

  constructor(deps: IndexSweepDeps) {
    this.#deps = deps
  }

  start(): void {
    if (!this.#closed) this.#cancel = this.#deps.clock.after(everyMs, () => void this.#again())
  }

  close(): void {
    this.#closed = true
    this.#cancel()
  }

  /** Look at some entries of each index; how many were dropped. */
  async sweep(): Promise<number> {
    const { keys } = this.#deps
    const dropped = await Promise.all([
      this.#drop(keys.chargePointIndex, (id) => this.#isRemembered(id)),
      this.#drop(keys.openTransactionIndex, (key) => this.#isOpen(key))
    ])
    return dropped.reduce((sum, count) => sum + count)
  }

  async #again(): Promise<void> {
    const { connection, logger } = this.#deps
    try {
      if (connection.state().kind === 'up') await this.sweep()
    } catch (error) {
      logger.debug({ error }, 'the indexes of Redis could not be swept')
    }
    this.start()
  }

  async #drop(index: string, isListed: (member: string) => Promise<boolean>): Promise<number> {
    const { connection } = this.#deps
    const members = (await connection.send(index, ['ZRANDMEMBER', index, entriesMax])) as string[]
    const gone = await except(members, isListed)
    if (gone.length === 0) return 0
    await connection.send(index, ['ZREM', index, ...gone])
    // Rows are written before their entries, so a row that came meanwhile is either seen now or enters itself afterwards.
    const still = await except(gone, isListed)
    const back = gone.filter((member) => !still.includes(member))
    if (back.length > 0) await connection.send(index, ['ZADD', index, ...back.flatMap((member) => ['0', member])])
    return still.length
  }

  /** Transactions are listed by way of their charge point. */
  async #isRemembered(chargePointId: string): Promise<boolean> {
    const { connection, keys } = this.#deps
    const record = keys.chargePoint(chargePointId)
    return Number(await connection.send(record, ['EXISTS', record, keys.transactions(chargePointId)])) > 0
  }

  async #isOpen(key: string): Promise<boolean> {
    const { connection, keys } = this.#deps
    const cut = key.indexOf('\u0001')
    const rows = keys.transactions(key.slice(0, cut))
    const text = (await connection.send(rows, ['HGET', rows, key.slice(cut + 1)])) as string | null
    return text !== null && (JSON.parse(text) as TransactionRecord).state === 'open'
  }
}

async function except(members: readonly string[], holds: (member: string) => Promise<boolean>): Promise<string[]> {
  const held = await Promise.all(members.map(holds))
  return members.filter((_, n) => !held[n])
}
