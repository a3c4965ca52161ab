import type { Ledger, LedgerClaim, WriteVerdict } from '../../ports/ledger.ts'
import { type CommandOutcome, type CommandRecord, keyOf } from '../../ports/records.ts'
import type { EmbeddedNodeStore } from './node-store.ts'
import type { Store } from './store.ts'
import { commandIdOfForget, commandIdOfRecent, endOf, forgetRange, recentPrefix, unsettledRange } from './tables.ts'

/** Commands that one step of forgetting removes. */
const forgetStep = 200

interface Live {
  record: CommandRecord
  /** The last transition of this command that is on its way to disk. */
  durable: Promise<void>
}

/** The commands of this node: transitions are won in memory, in the one thread there is, and told once they are on disk. */
export class EmbeddedLedger implements Ledger {
  readonly #store: Store
  readonly #tables: EmbeddedNodeStore
  readonly #currentEpoch: (chargePointId: string) => number | undefined
  /** Not settled. */
  readonly #live = new Map<string, Live>()
  /** Settled, until the outcome's event has brought the record into the tables. */
  readonly #settled = new Map<string, CommandRecord>()
  readonly #earlier: readonly string[]

  constructor(store: Store, tables: EmbeddedNodeStore, currentEpoch: (chargePointId: string) => number | undefined) {
    this.#store = store
    this.#tables = tables
    this.#currentEpoch = currentEpoch
    for (const key of store.state.getKeys(unsettledRange)) {
      const record = tables.persisted('commands', key.toString().slice(1))
      if (record) this.#live.set(record.commandId, { record, durable: Promise.resolve() })
    }
    // The outcome's event brings the settled record: from then on the tables have it.
    tables.onCommandStaged((commandId, record) => {
      this.#settled.delete(commandId)
      // Removed: whoever claims it now begins anew.
      if (!record) this.#live.delete(commandId)
    })
    this.#earlier = [...this.#live.keys()]
  }

  async claim(record: CommandRecord): Promise<LedgerClaim> {
    const { commandId } = record
    const live = this.#live.get(commandId)
    const known = live?.record ?? this.#settled.get(commandId) ?? this.#tables.get('commands', keyOf.command(commandId))
    if (known) {
      await live?.durable
      const same = known.digest === record.digest && known.chargePointId === record.chargePointId
      return { kind: same ? 'exists' : 'conflict', record: known }
    }
    await this.#transition(record)
    return { kind: 'claimed', record }
  }

  async markWritten(commandId: string, epoch: number, writtenAtMs: number): Promise<WriteVerdict> {
    const live = this.#live.get(commandId)
    if (live?.record.state !== 'claimed') return (await this.get(commandId)) ? 'refused' : 'ledger_lost'
    const { record } = live
    if (this.#currentEpoch(record.chargePointId) !== epoch) return 'not_owner'
    const written: CommandRecord = { ...record, state: 'written', epoch, writtenAtMs }
    await this.#transition(written)
    // Settled, or the socket displaced, while that was on its way to disk: then nothing may be written any more.
    if (this.#live.get(commandId)?.record !== written) return 'refused'
    return this.#currentEpoch(record.chargePointId) === epoch ? 'written' : 'not_owner'
  }

  async settle(commandId: string, outcome: CommandOutcome, settledAtMs: number): Promise<CommandRecord | undefined> {
    const live = this.#live.get(commandId)
    if (!live) return undefined
    const { writtenAtMs, ...record } = live.record
    // It was about to be written when it ended: `not_sent` says that it was not.
    const written = outcome.outcome === 'not_sent' || writtenAtMs === undefined ? {} : { writtenAtMs }
    const settled: CommandRecord = { ...record, ...written, state: 'settled', settlement: outcome, settledAtMs }
    this.#live.delete(commandId)
    this.#settled.set(commandId, settled)
    return settled
  }

  /** As it is on disk, whatever is on its way there: what a caller was told does not go back after a crash. */
  async get(commandId: string): Promise<CommandRecord | undefined> {
    return this.#tables.persisted('commands', keyOf.command(commandId))
  }

  async recent(chargePointId: string, limit: number): Promise<readonly CommandRecord[]> {
    const start = Buffer.from(recentPrefix(chargePointId))
    const keys = this.#store.state.getKeys({ start: endOf(start), end: start, reverse: true, limit })
    return [...keys]
      .map((key) => this.#tables.persisted('commands', commandIdOfRecent(key, chargePointId)))
      .filter((record) => record !== undefined)
  }

  async unsettled(): Promise<readonly CommandRecord[]> {
    return this.#earlier.map((commandId) => this.#live.get(commandId)?.record).filter((record) => record !== undefined)
  }

  /** Removes what may be forgotten at `nowMs`, at most one step. False: there is more. */
  async forget(nowMs: number): Promise<boolean> {
    const keys = [...this.#store.state.getKeys({ ...forgetRange(nowMs), limit: forgetStep })]
    const changes = keys.map(
      (key) => ({ table: 'commands', key: keyOf.command(commandIdOfForget(key)), value: null }) as const
    )
    if (changes.length > 0) await this.#tables.commit(changes)
    return keys.length < forgetStep
  }

  async #transition(record: CommandRecord): Promise<void> {
    const { commandId } = record
    const durable = this.#tables.commit([{ table: 'commands', key: keyOf.command(commandId), value: record }])
    this.#live.set(commandId, { record, durable })
    await durable
  }
}
