import type { Row } from '../../src/adapters/embedded/batch.ts'
import { type BlockSource, TransactionIds } from '../../src/adapters/embedded/transaction-ids.ts'
import type { Directory } from '../../src/ports/directory.ts'
import type { Ledger, LedgerClaim, WriteVerdict } from '../../src/ports/ledger.ts'
import { type CommandOutcome, type CommandRecord, keyOf } from '../../src/ports/records.ts'
import type { DiskLife, DiskLifeOptions } from './disk.ts'

/** The node's own ledger, as the embedded one: transitions are won in memory and told once they are on disk. */
export class OwnLedger implements Ledger {
  readonly #store: DiskLife
  readonly #currentEpoch: (chargePointId: string) => number | undefined
  readonly #live = new Map<string, CommandRecord>()
  readonly #settled = new Map<string, CommandRecord>()
  /** The last transition of a command, which may be on its way to the disk. */
  readonly #durable = new Map<string, Promise<void>>()
  readonly #earlier: readonly string[]

  constructor(store: DiskLife, currentEpoch: (chargePointId: string) => number | undefined) {
    this.#store = store
    this.#currentEpoch = currentEpoch
    for (const record of store.list('commands')) {
      if (record.state !== 'settled') this.#live.set(record.commandId, record)
    }
    this.#earlier = [...this.#live.keys()]
  }

  async claim(record: CommandRecord): Promise<LedgerClaim> {
    const { commandId } = record
    const row = this.#store.get('commands', keyOf.command(commandId))
    // Removed, and staged with its outcome: from then on the row counts, as in the embedded one.
    if (!row) this.#live.delete(commandId)
    if (row?.state === 'settled') this.#settled.delete(commandId)
    const known = this.#live.get(commandId) ?? this.#settled.get(commandId) ?? row
    if (known) {
      if (this.#live.has(commandId)) await this.#durable.get(commandId)
      return { kind: known.digest === record.digest ? 'exists' : 'conflict', record: known }
    }
    await this.#transition(record)
    return { kind: 'claimed', record }
  }

  async markWritten(commandId: string, epoch: number, writtenAtMs: number): Promise<WriteVerdict> {
    const record = this.#live.get(commandId)
    if (record?.state !== 'claimed') return (await this.get(commandId)) ? 'refused' : 'ledger_lost'
    if (this.#currentEpoch(record.chargePointId) !== epoch) return 'not_owner'
    const written: CommandRecord = { ...record, state: 'written', epoch, writtenAtMs }
    await this.#transition(written)
    if (this.#live.get(commandId) !== written) return 'refused'
    return this.#currentEpoch(record.chargePointId) === epoch ? 'written' : 'not_owner'
  }

  async settle(commandId: string, outcome: CommandOutcome, settledAtMs: number): Promise<CommandRecord | undefined> {
    const live = this.#live.get(commandId)
    if (!live) return undefined
    const settled: CommandRecord = { ...live, state: 'settled', settlement: outcome, settledAtMs }
    this.#live.delete(commandId)
    this.#settled.set(commandId, settled)
    return settled
  }

  async get(commandId: string): Promise<CommandRecord | undefined> {
    return this.#store.persisted('commands', keyOf.command(commandId))
  }

  async recent(chargePointId: string, limit: number): Promise<readonly CommandRecord[]> {
    const all = this.#store.persistedList('commands').filter((record) => record.chargePointId === chargePointId)
    return all.slice(0, limit)
  }

  async unsettled(): Promise<readonly CommandRecord[]> {
    return this.#earlier.map((commandId) => this.#live.get(commandId)).filter((record) => record !== undefined)
  }

  async #transition(record: CommandRecord): Promise<void> {
    const durable = this.#store.commit([{ table: 'commands', key: keyOf.command(record.commandId), value: record }])
    this.#live.set(record.commandId, record)
    this.#durable.set(record.commandId, durable)
    await durable
  }
}

/** A hundredth of what an emptied counter leaves out. */
const blockIds = 40

/** The node's own, of blocks that are the cluster's. */
export function ownTransactionIds(life: DiskLifeOptions, source: BlockSource): TransactionIds {
  const { disk, scheduler, actor, clock } = life
  const commit = (rows: readonly Row[]) =>
    scheduler.later(scheduler.random.between(0, disk.commitMsMax), actor, () => {
      for (const { key, value } of rows) {
        if (value) disk.idRows.set(key.toString(), value)
        else disk.idRows.delete(key.toString())
      }
    })
  const rows = { state: { get: (key: Buffer) => disk.idRows.get(key.toString()) } }
  return new TransactionIds(rows, clock, commit, (_, atLeast) => source(blockIds, atLeast))
}

/** What the node remembers by itself. */
export function ownDirectory(store: DiskLife, ids: TransactionIds): Directory {
  const recall: Directory['recall'] = (chargePointId) => ({
    record: store.get('chargePoints', keyOf.chargePoint(chargePointId)),
    transactions: store.list('transactions', { prefix: keyOf.transaction(chargePointId, '') })
  })
  return {
    load: async (chargePointId) => recall(chargePointId),
    recall,
    chargePoint: async (chargePointId) => store.persisted('chargePoints', keyOf.chargePoint(chargePointId)),
    chargePoints: async (after, limit) => store.persistedList('chargePoints', '', after).slice(0, limit),
    transactions: async () => store.persistedList('transactions'),
    nextTransactionId: () => ids.next()
  }
}
