import type { CommandOutcome, CommandRecord } from '../../src/ports/records.ts'
import type { Scheduler } from './scheduler.ts'

export interface LedgerRow {
  record: CommandRecord
  node: string
  incarnation: string
  claimant: string
  handedOver: boolean
  /** When it was handed over to a node that has not said that it has it. */
  handedAtMs?: number | undefined
  readIn: number | undefined
  toldAs: string | undefined
  published: boolean
  expiresAtMs: number
}

export const checkEveryMs = 10_000

interface OwnerRow {
  readonly epoch: number
  readonly node?: string
}

/** The ledger in the Redis of the simulation: what `src/adapters/redis/lua/command-*.lua` do, each method one atomic step. */
export class LedgerModel {
  readonly #scheduler: Scheduler
  readonly #ownerOf: (chargePointId: string) => OwnerRow | undefined
  readonly #commands = new Map<string, LedgerRow>()
  readonly #deadlines = new Map<string, number>()
  #told = 0

  constructor(scheduler: Scheduler, ownerOf: (chargePointId: string) => OwnerRow | undefined) {
    this.#scheduler = scheduler
    this.#ownerOf = ownerOf
  }

  get #nowMs(): number {
    return this.#scheduler.nowMs
  }

  flush(): void {
    this.#commands.clear()
    this.#deadlines.clear()
  }

  row(commandId: string): LedgerRow | undefined {
    const row = this.#commands.get(commandId)
    if (row && row.expiresAtMs > this.#nowMs) return row
    this.#commands.delete(commandId)
    return undefined
  }

  rows(): readonly LedgerRow[] {
    return [...this.#commands.values()]
  }

  putDeadline(commandId: string, atMs: number): void {
    if (!this.#deadlines.has(commandId)) this.#deadlines.set(commandId, atMs)
  }

  removeDeadline(commandId: string): void {
    this.#deadlines.delete(commandId)
  }

  claimCommand(record: CommandRecord, node: string, incarnation: string): CommandRecord | undefined {
    const known = this.row(record.commandId)
    this.#scheduler.say(`redis: ${node} claims ${record.commandId}${known ? `, which is ${known.record.state}` : ''}`)
    if (known) return known.record
    this.#enter({ ...record, state: 'claimed', node }, incarnation)
    return undefined
  }

  /** `by` has it on its disk, perhaps as another node's. */
  tellCommand(record: CommandRecord, by: string, incarnation: string): CommandRecord | undefined {
    const { commandId, state, node, epoch, writtenAtMs } = record
    const known = this.row(commandId)
    this.#scheduler.say(`redis: ${by} tells of ${commandId}${known ? `, which is ${known.record.state}` : ''}`)
    const isOwn = node === by
    if (!known) {
      this.#enter(record, isOwn ? incarnation : '').toldAs = `told ${++this.#told}`
      return undefined
    }
    const before = known.record
    if (isOwn && state === 'written' && before.state === 'claimed')
      Object.assign(known, { node, incarnation, record: copy({ ...before, state, epoch, writtenAtMs, node }) })
    else if (isOwn && before.state !== 'settled' && known.node === node)
      Object.assign(known, { incarnation, handedAtMs: undefined })
    return before
  }

  #enter(record: CommandRecord, incarnation: string): LedgerRow {
    const { node, readIn, ...fixed } = record
    const row: LedgerRow = {
      record: copy({ ...fixed, node }),
      node,
      incarnation,
      claimant: node,
      handedOver: false,
      readIn,
      toldAs: undefined,
      published: false,
      expiresAtMs: Math.max(record.forgetAtMs, this.#nowMs + 1)
    }
    this.#commands.set(record.commandId, row)
    return row
  }

  handOver(commandId: string, claimant: string, node: string, incarnation: string): boolean {
    const row = this.row(commandId)
    if (row?.record.state !== 'claimed' || row.claimant !== claimant) return false
    this.#scheduler.say(`redis: ${claimant} hands ${commandId} over to ${node}`)
    Object.assign(row, {
      node,
      incarnation,
      handedOver: true,
      handedAtMs: this.#nowMs,
      record: { ...row.record, node }
    })
    return true
  }

  received(commandId: string, node: string): void {
    const row = this.row(commandId)
    if (row?.node === node) row.handedAtMs = undefined
  }

  reclaim(
    commandId: string,
    found: { readonly node: string; readonly incarnation: string; readonly readIn: number | undefined },
    by: { readonly node: string; readonly incarnation: string; readonly readIn: number | undefined }
  ): CommandRecord | undefined {
    const row = this.row(commandId)
    if (row?.record.state !== 'claimed' || row.handedOver) return undefined
    if (row.node !== found.node || row.incarnation !== found.incarnation || row.readIn !== found.readIn)
      return undefined
    this.#scheduler.say(`redis: ${by.node} takes ${commandId} over from ${found.node}`)
    Object.assign(row, { ...by, claimant: by.node, record: { ...row.record, node: by.node } })
    return row.record
  }

  confirm(commandId: string, node: string): boolean {
    const row = this.row(commandId)
    if (!row) return true
    if (row.node !== node) return false
    row.readIn = undefined
    return true
  }

  write(
    commandId: string,
    chargePointId: string,
    by: { readonly node: string; readonly incarnation: string },
    epoch: number,
    writtenAtMs: number
  ): 'written' | 'refused' | 'not_owner' | 'ledger_lost' {
    const row = this.row(commandId)
    if (!row) return 'ledger_lost'
    if (row.record.state !== 'claimed') return 'refused'
    const owner = this.#ownerOf(chargePointId)
    if (owner?.epoch !== epoch || owner.node !== by.node) return 'not_owner'
    this.#scheduler.say(`redis: ${by.node} marks ${commandId} written`)
    Object.assign(row, by, { record: { ...row.record, state: 'written', epoch, writtenAtMs, node: by.node } })
    return 'written'
  }

  /** `kept`: makes an entry anew that is gone. */
  settle(
    commandId: string,
    { isOwn, ...by }: { readonly node: string; readonly incarnation: string; readonly isOwn: boolean },
    outcome: CommandOutcome,
    settledAtMs: number,
    { kept, lookedInto }: { readonly kept?: CommandRecord; readonly lookedInto?: string } = {}
  ): CommandRecord | { readonly doubt: string } | undefined {
    const known = this.row(commandId)
    if (!known) {
      if (!kept) return undefined
      this.claimCommand(kept, by.node, by.incarnation)
    } else {
      if (known.record.state === 'settled') return undefined
      const doubt = known.toldAs ?? (isOwn && known.node !== by.node ? known.node : undefined)
      if (lookedInto !== undefined && doubt !== undefined && doubt !== lookedInto) return { doubt }
      const hasMarked = isOwn && known.node === by.node && [by.incarnation, ''].includes(known.incarnation)
      if (known.record.state === 'written' && outcome.outcome === 'not_sent' && !hasMarked) return undefined
    }
    const row = this.row(commandId)
    if (!row) return undefined
    this.#scheduler.say(`redis: ${by.node} settles ${commandId}: ${outcome.outcome} ${outcome.reason ?? ''}`)
    const from = known ? row.record : (kept ?? row.record)
    const { writtenAtMs, ...ended } = from
    const written = outcome.outcome === 'not_sent' || writtenAtMs === undefined ? {} : { writtenAtMs }
    const record = copy({
      ...ended,
      ...written,
      state: 'settled' as const,
      settlement: outcome,
      settledAtMs,
      node: by.node
    })
    Object.assign(row, by, { record })
    return record
  }

  publishedCommand(commandId: string): void {
    const row = this.row(commandId)
    if (row?.record.state === 'settled') row.published = true
  }

  takeDeadlines(nowMs: number, limit: number): readonly string[] {
    const due = [...this.#deadlines].filter(([, atMs]) => atMs <= nowMs).slice(0, limit)
    for (const [commandId] of due) this.#deadlines.set(commandId, nowMs + checkEveryMs)
    return due.map(([commandId]) => commandId)
  }

  deadlineIds(): readonly string[] {
    return [...this.#deadlines.keys()]
  }
}

/** What comes out of Redis is never what went in, but its text. */
export function copy<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T
}
