import { secondsSince2020 } from '../../src/adapters/embedded/transaction-ids.ts'
import type { RollPart } from '../../src/ports/ledger-roll.ts'
import { type ChargePointRecord, keyOf, type OpenEpochRecord, type TransactionRecord } from '../../src/ports/records.ts'
import type { Owner } from '../../src/ports/session-registry.ts'
import { copy, LedgerModel } from './ledger-model.ts'
import type { Scheduler } from './scheduler.ts'

export interface LeaseRow {
  readonly installation: string
  incarnation: string
  adopting: boolean
  expiresAtMs: number
}

interface OwnerRow {
  readonly epoch: number
  readonly node?: string
  readonly incarnation?: string
  readonly isLost?: boolean
}

interface OpenEpochRow {
  readonly row: OpenEpochRecord
  putOffUntilMs: number
}

const putOffMs = 10_000
const startMemoryMs = 3_600_000
const endedMax = 64
const idsLeftOutMin = 4_000
const idsLeftOutMax = 6_800

/** What is in Redis, and the scripts that change it: each method is one atomic step. `flush` empties it. */
export class RedisModel {
  readonly ledger: LedgerModel
  readonly #scheduler: Scheduler
  readonly #owners = new Map<string, OwnerRow>()
  readonly #leases = new Map<string, LeaseRow>()
  readonly #nodes = new Set<string>()
  readonly #chargePoints = new Map<string, ChargePointRecord>()
  readonly #transactions = new Map<string, TransactionRecord>()
  readonly #starts = new Map<string, { readonly id: number; readonly expiresAtMs: number }>()
  readonly #openEpochs = new Map<string, Map<string, OpenEpochRow>>()
  #mark: { readonly value: string; readonly sinceMs: number } | undefined
  #marks = 0
  #roll: { readonly value: string; readonly sinceMs: number; readonly signed: Set<string> } | undefined
  #nextId: number | undefined
  flushes = 0

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler
    this.ledger = new LedgerModel(scheduler, (id) => this.#owners.get(id))
  }

  get #nowMs(): number {
    return this.#scheduler.nowMs
  }

  flush(): void {
    const all = [this.#owners, this.#leases, this.#nodes, this.#chargePoints, this.#transactions]
    for (const part of [...all, this.#starts, this.#openEpochs]) part.clear()
    this.ledger.flush()
    this.#mark = undefined
    this.#roll = undefined
    this.#nextId = undefined
    this.flushes++
    this.#scheduler.say('redis: emptied')
  }

  // Leases

  lease(node: string): LeaseRow | undefined {
    const row = this.#leases.get(node)
    if (row && row.expiresAtMs > this.#nowMs) return row
    this.#leases.delete(node)
    return undefined
  }

  takeLease(node: string, installation: string, incarnation: string, ttlMs: number): 'ok' | 'taken' {
    const holder = this.lease(node)
    if (holder && holder.installation !== installation) return 'taken'
    this.#leases.set(node, { installation, incarnation, adopting: false, expiresAtMs: this.#nowMs + ttlMs })
    return 'ok'
  }

  renewLease(
    node: string,
    mine: { readonly installation: string; readonly incarnation: string; readonly next: string },
    ttlMs: number,
    adopting: boolean
  ): 'held' | 'lost' | 'taken' {
    const row = this.lease(node)
    if (row && row.installation !== mine.installation) return 'taken'
    const isHeld = row?.incarnation === mine.incarnation
    this.#leases.set(node, {
      installation: mine.installation,
      incarnation: isHeld ? mine.incarnation : mine.next,
      adopting: isHeld ? adopting : true,
      expiresAtMs: this.#nowMs + ttlMs
    })
    return isHeld ? 'held' : 'lost'
  }

  endLease(node: string, incarnation: string): void {
    if (this.lease(node)?.incarnation === incarnation) this.#leases.delete(node)
  }

  noteNode(node: string): void {
    this.#nodes.add(node)
  }

  forgetNode(node: string): void {
    this.#nodes.delete(node)
  }

  nodes(): readonly string[] {
    return [...this.#nodes].sort()
  }

  mark(): { readonly value: string; readonly ageMs: number } {
    this.#mark ??= { value: `mark-${++this.#marks}`, sinceMs: this.#nowMs }
    return { value: this.#mark.value, ageMs: this.#nowMs - this.#mark.sinceMs }
  }

  /** Who has told what it knows since it was emptied. */
  roll(): RollPart {
    this.#roll ??= { value: `roll-${++this.#marks}`, sinceMs: this.#nowMs, signed: new Set() }
    const { value, sinceMs, signed } = this.#roll
    return { part: 'redis', value, sinceMs, signed: [...signed] }
  }

  sign(value: string, node: string): void {
    if (this.#roll?.value !== value) return
    this.#scheduler.say(`redis: ${node} has told what it knows`)
    this.#roll.signed.add(node)
  }

  isAlive(node: string, incarnation: string): boolean {
    return this.lease(node)?.incarnation === incarnation
  }

  // Ownership

  claim(id: string, node: string, incarnation: string, atLeast: number): { epoch: number; displaced?: Owner } {
    const row = this.#owners.get(id)
    const epoch = Math.max((row?.epoch ?? 0) + 1, atLeast, secondsSince2020(this.#nowMs))
    this.#scheduler.say(`redis: ${node} claims ${id}: ${epoch}`)
    this.#owners.set(id, { epoch, node, incarnation })
    return { epoch, ...(row?.node === undefined ? {} : { displaced: { node: row.node, epoch: row.epoch } }) }
  }

  release(id: string, node: string, epoch: number): boolean {
    const row = this.#owners.get(id)
    if (row?.node !== node || row.epoch !== epoch) return false
    this.#scheduler.say(`redis: ${node} releases ${id}: ${epoch}`)
    this.#owners.set(id, { epoch })
    return true
  }

  adopt(id: string, node: string, incarnation: string, epoch: number): boolean {
    const row = this.#owners.get(id)
    const stored = row?.epoch ?? 0
    const isOthers = row?.isLost === true || (row?.node !== undefined && row.node !== node)
    if (stored > epoch || (stored === epoch && isOthers)) return false
    this.#scheduler.say(`redis: ${node} adopts ${id}: ${epoch}`)
    this.#owners.set(id, { epoch, node, incarnation })
    return true
  }

  owner(id: string): OwnerRow | undefined {
    return this.#owners.get(id)
  }

  /** The owner whose node is alive in the life that registered it. */
  locate(id: string): Owner | undefined {
    const row = this.#owners.get(id)
    if (row?.node === undefined || !this.isAlive(row.node, row.incarnation ?? '')) return undefined
    return { node: row.node, epoch: row.epoch }
  }

  // Shared state

  chargePoint(id: string): ChargePointRecord | undefined {
    return this.#chargePoints.get(id)
  }

  chargePoints(): readonly ChargePointRecord[] {
    return [...this.#chargePoints.values()].sort((a, b) => (a.chargePointId < b.chargePointId ? -1 : 1))
  }

  transactions(chargePointId?: string): readonly TransactionRecord[] {
    const all = [...this.#transactions.values()]
    return chargePointId === undefined ? all : all.filter((row) => row.chargePointId === chargePointId)
  }

  projectChargePoint(record: ChargePointRecord): void {
    const stored = this.#chargePoints.get(record.chargePointId)
    if ((stored?.epoch ?? 0) <= record.epoch) this.#chargePoints.set(record.chargePointId, copy(record))
  }

  removeChargePoint(id: string): void {
    this.#chargePoints.delete(id)
  }

  projectTransaction(key: string, record: TransactionRecord): void {
    const stored = this.#transactions.get(key)
    if (
      stored &&
      (stored.epoch > record.epoch || (stored.epoch === record.epoch && stored.updatedAtMs > record.updatedAtMs))
    )
      return
    this.#transactions.set(key, copy(record))
    if (record.state === 'ended') this.#boundEnded(record.chargePointId)
    if (record.startKey === undefined) return
    const start = `${record.chargePointId} ${record.startKey}`
    const id = Number(record.transactionId)
    const known = this.#start(start)
    if (record.state === 'open') {
      if (known === undefined) this.#starts.set(start, { id, expiresAtMs: this.#nowMs + startMemoryMs })
    } else if (known === id) this.#starts.delete(start)
  }

  removeTransaction(key: string): void {
    this.#transactions.delete(key)
  }

  reserveStart(chargePointId: string, startKey: string, candidate: number): number {
    const key = `${chargePointId} ${startKey}`
    const known = this.#start(key)
    if (known !== undefined) return known
    this.#starts.set(key, { id: candidate, expiresAtMs: this.#nowMs + startMemoryMs })
    return candidate
  }

  reserveIds(count: number, atLeast: number): { readonly first: number; readonly last: number } {
    const left = this.#nextId === undefined ? this.#scheduler.random.between(idsLeftOutMin, idsLeftOutMax) : 0
    const first = Math.max(this.#nextId ?? 1, atLeast, 2 * secondsSince2020(this.#nowMs), 1) + left
    this.#nextId = first + count
    return { first, last: first + count - 1 }
  }

  putOpenEpoch(node: string, row: OpenEpochRecord): void {
    const rows = this.#openEpochs.get(node) ?? new Map<string, OpenEpochRow>()
    this.#openEpochs.set(node, rows)
    rows.set(`${row.chargePointId} ${row.epoch}`, { row: copy(row), putOffUntilMs: 0 })
  }

  removeOpenEpoch(node: string, chargePointId: string, epoch: number): void {
    this.#openEpochs.get(node)?.delete(`${chargePointId} ${epoch}`)
  }

  takeLostEpochs(limit: number): readonly (OpenEpochRecord & { readonly node: string })[] {
    const taken: (OpenEpochRecord & { readonly node: string })[] = []
    for (const [node, rows] of this.#openEpochs) {
      if (this.lease(node)) continue
      for (const open of rows.values()) {
        if (taken.length >= limit || open.putOffUntilMs > this.#nowMs) continue
        open.putOffUntilMs = this.#nowMs + putOffMs
        taken.push({ ...open.row, node })
      }
    }
    return taken
  }

  /** False: it was adopted since `incarnation` was read, and lives. */
  markLost(id: string, epoch: number, incarnation: string | undefined): boolean {
    const row = this.#owners.get(id)
    const stored = row?.epoch ?? 0
    if (stored > epoch) return true
    if (stored === epoch && row?.incarnation !== incarnation) return false
    this.#scheduler.say(`redis: ${id} ${epoch} is lost`)
    this.#owners.set(id, { ...(stored === epoch ? row : {}), epoch, isLost: true })
    return true
  }

  openEpochsOf(node: string): readonly OpenEpochRecord[] {
    return [...(this.#openEpochs.get(node)?.values() ?? [])].map(({ row }) => copy(row))
  }

  #boundEnded(chargePointId: string): void {
    const ended = this.transactions(chargePointId).filter(({ state }) => state === 'ended')
    const over = ended.sort((one, other) => other.updatedAtMs - one.updatedAtMs).slice(endedMax)
    for (const { transactionId } of over) this.#transactions.delete(keyOf.transaction(chargePointId, transactionId))
  }

  #start(key: string): number | undefined {
    const start = this.#starts.get(key)
    return start && start.expiresAtMs > this.#nowMs ? start.id : undefined
  }
}
