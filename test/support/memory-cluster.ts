import type { ClusterLedger, OverdueCommand, Settler } from '../../src/ports/cluster-ledger.ts'
import type { LedgerClaim, WriteVerdict } from '../../src/ports/ledger.ts'
import type { LedgerRoll, RollPart } from '../../src/ports/ledger-roll.ts'
import type { CommandOutcome, CommandRecord } from '../../src/ports/records.ts'

/** The ledger that nodes share, as one node (`node`) sees it. `empty` makes it forget all; `away` makes each request fail. */
export class MemoryClusterLedger implements ClusterLedger {
  readonly entries = new Map<string, CommandRecord>()
  /** The epoch that owns a charge point here; another one may not write. */
  readonly owners = new Map<string, number>()
  readonly publishedIds: string[] = []
  readonly receivedIds: string[] = []
  /** Entered anew by a node that told of it. */
  readonly told = new Set<string>()
  away: Error | undefined
  /** Runs before each look-up, while it is on its way. */
  onGet: () => Promise<void> = async () => undefined
  readonly #node: string

  constructor(node: string) {
    this.#node = node
  }

  empty(): void {
    this.entries.clear()
    this.told.clear()
  }

  async claim(record: CommandRecord): Promise<LedgerClaim> {
    this.#reach()
    const known = this.entries.get(record.commandId)
    if (known) return { kind: known.digest === record.digest ? 'exists' : 'conflict', record: known }
    const claimed: CommandRecord = { ...record, state: 'claimed', node: this.#node }
    this.entries.set(record.commandId, claimed)
    return { kind: 'claimed', record: claimed }
  }

  async tell(record: CommandRecord): Promise<LedgerClaim> {
    this.#reach()
    const { commandId, state, node, epoch, writtenAtMs } = record
    const known = this.entries.get(commandId)
    if (!known) {
      this.told.add(commandId)
      return { kind: 'claimed', record: this.#put(record) }
    }
    if (node === this.#node && state === 'written' && known.state === 'claimed')
      this.#put({ ...known, node, state, ...(epoch !== undefined && { epoch }), ...(writtenAtMs && { writtenAtMs }) })
    return { kind: 'exists', record: known }
  }

  async write(record: CommandRecord, epoch: number, writtenAtMs: number): Promise<WriteVerdict> {
    this.#reach()
    const known = this.entries.get(record.commandId)
    if (!known) return 'ledger_lost'
    if (known.state !== 'claimed') return 'refused'
    if (this.owners.get(record.chargePointId) !== epoch) return 'not_owner'
    this.#put({ ...known, state: 'written', epoch, writtenAtMs, node: this.#node })
    return 'written'
  }

  async markWritten(): Promise<WriteVerdict> {
    throw new Error('nobody asks without the record')
  }

  async settle(
    commandId: string,
    settlement: CommandOutcome,
    settledAtMs: number,
    by?: Settler
  ): Promise<CommandRecord | undefined> {
    this.#reach()
    const before = this.entries.get(commandId)
    if (this.told.has(commandId) || (by?.isOwn && before && before.node !== this.#node)) await by?.untilTold()
    this.#reach()
    const known = this.entries.get(commandId)
    if (!known || known.state === 'settled') return undefined
    return this.#put({ ...known, state: 'settled', settlement, settledAtMs, node: this.#node })
  }

  async settleKept(record: CommandRecord, outcome: CommandOutcome, atMs: number): Promise<CommandRecord | undefined> {
    this.#reach()
    if (!this.entries.has(record.commandId)) this.#put({ ...record, state: 'claimed' })
    const settled = await this.settle(record.commandId, outcome, atMs)
    return settled && record.state === 'settled' ? this.#put({ ...settled, node: record.node }) : settled
  }

  async handOver(commandId: string, node: string): Promise<boolean> {
    const known = this.entries.get(commandId)
    if (known?.state !== 'claimed') return false
    this.#put({ ...known, node })
    return true
  }

  async received({ commandId }: CommandRecord): Promise<void> {
    this.#reach()
    this.receivedIds.push(commandId)
  }

  async reclaim(): Promise<CommandRecord | undefined> {
    return undefined
  }

  async confirm(): Promise<boolean> {
    return true
  }

  async published(commandId: string): Promise<void> {
    this.publishedIds.push(commandId)
  }

  async overdue(): Promise<readonly OverdueCommand[]> {
    return []
  }

  async get(commandId: string): Promise<CommandRecord | undefined> {
    this.#reach()
    const found = this.entries.get(commandId)
    await this.onGet()
    return found
  }

  async recent(): Promise<readonly CommandRecord[]> {
    return []
  }

  async unsettled(): Promise<readonly CommandRecord[]> {
    return []
  }

  #put(record: CommandRecord): CommandRecord {
    this.entries.set(record.commandId, record)
    return record
  }

  #reach(): void {
    if (this.away) throw this.away
  }
}

/** The roll of one server, as one node sees it. */
export class MemoryRoll implements LedgerRoll {
  readonly signed = new Set<string>()
  value = 'v-1'
  sinceMs: number
  readonly #node: string

  constructor(node: string, sinceMs: number) {
    this.#node = node
    this.sinceMs = sinceMs
  }

  /** The server loses its data. */
  empty(sinceMs: number): void {
    this.value += '+'
    this.sinceMs = sinceMs
    this.signed.clear()
  }

  async read(): Promise<readonly RollPart[]> {
    return [{ part: 'one', value: this.value, sinceMs: this.sinceMs, signed: [...this.signed] }]
  }

  async sign(parts: readonly RollPart[]): Promise<void> {
    for (const { value } of parts) if (value === this.value) this.signed.add(this.#node)
  }
}
