import { secondsSince2020 } from '../../src/adapters/embedded/transaction-ids.ts'
import type { Clock } from '../../src/ports/clock.ts'
import type { Directory } from '../../src/ports/directory.ts'
import type { Ledger, LedgerClaim } from '../../src/ports/ledger.ts'
import { type CommandOutcome, type CommandRecord, keyOf } from '../../src/ports/records.ts'
import type { Disk, DiskLife } from './disk.ts'

/** The node's own ledger, as the embedded one: transitions are won in memory and told once they are on disk. */
export class OwnLedger implements Ledger {
  readonly #store: DiskLife
  readonly #currentEpoch: (chargePointId: string) => number | undefined
  readonly #live = new Map<string, CommandRecord>()
  readonly #settled = new Map<string, CommandRecord>()
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
    const known =
      this.#live.get(commandId) ?? this.#settled.get(commandId) ?? this.#store.get('commands', keyOf.command(commandId))
    if (known) return { kind: known.digest === record.digest ? 'exists' : 'conflict', record: known }
    await this.#transition(record)
    return { kind: 'claimed', record }
  }

  async markWritten(commandId: string, epoch: number, writtenAtMs: number): Promise<boolean> {
    const record = this.#live.get(commandId)
    if (record?.state !== 'claimed' || this.#currentEpoch(record.chargePointId) !== epoch) return false
    const written: CommandRecord = { ...record, state: 'written', epoch, writtenAtMs }
    await this.#transition(written)
    return this.#live.get(commandId) === written && this.#currentEpoch(record.chargePointId) === epoch
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
    this.#live.set(record.commandId, record)
    await this.#store.commit([{ table: 'commands', key: keyOf.command(record.commandId), value: record }])
  }
}

const blockIds = 1_000

interface Block {
  next: number
  readonly end: number
}

export type BlockSource = (count: number, atLeast: number) => Promise<{ readonly first: number; readonly last: number }>

/** Blocks of the cluster, with one in reserve on disk for a start without it; then the node's own counter. */
class TransactionIds {
  readonly #disk: Disk
  readonly #clock: Clock
  readonly #source: BlockSource
  #block: Block | undefined
  #isFetching = false

  constructor(disk: Disk, clock: Clock, source: BlockSource) {
    this.#disk = disk
    this.#clock = clock
    this.#source = source
    this.#fetch()
  }

  next(): number {
    const block = this.#block ?? this.#reserve()
    this.#block = block
    const id = block.next++
    if (block.next === block.end) this.#block = undefined
    if (!this.#disk.spareTransactionIds) this.#fetch()
    return id
  }

  #reserve(): Block {
    const spare = this.#disk.spareTransactionIds
    this.#disk.spareTransactionIds = undefined
    if (spare) return { ...spare }
    const next = Math.max(this.#disk.nextTransactionId, 2 * secondsSince2020(this.#clock.now()))
    this.#disk.nextTransactionId = next + blockIds
    return { next, end: next + blockIds }
  }

  #fetch(): void {
    if (this.#isFetching) return
    this.#isFetching = true
    this.#source(blockIds, this.#disk.nextTransactionId)
      .then(({ first, last }) => {
        this.#disk.spareTransactionIds = { next: first, end: last + 1 }
        this.#disk.nextTransactionId = Math.max(this.#disk.nextTransactionId, last + 1)
      })
      .catch(() => undefined)
      .finally(() => {
        this.#isFetching = false
      })
  }
}

/** What the node remembers by itself. */
export function ownDirectory(store: DiskLife, disk: Disk, clock: Clock, blocks: BlockSource): Directory {
  const ids = new TransactionIds(disk, clock, blocks)
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
