import type { Decision } from '../events/decision.ts'
import type { Evse } from '../events/model.ts'
import type { TransactionFacts, TransactionStep } from '../events/table.ts'
import { keyOf, type StoreChange, type TransactionRecord } from '../ports/records.ts'
import type { OcppVersion } from '../protocol/version.ts'
import { digestOf } from './digest.ts'

/** How many sequence numbers of a 2.x transaction are remembered to tell repeats. */
export const seenSeqNosMax = 16

export interface TransactionBookOptions {
  readonly chargePointId: string
  readonly version: OcppVersion
  readonly epoch: number
  readonly openTransactionsMax: number
  readonly endedTransactionsMax: number
  readonly transactions: readonly TransactionRecord[]
}

/** What becomes known only once the events of a step are made. */
export interface StepResult {
  readonly eventId: string
  readonly meterStopWh?: number
  readonly decision?: Decision
  readonly nowMs: number
}

/**
 * The transactions of one charge point: the open ones, and the newest ended ones to tell repeats. `factsOf` only looks;
 * `apply` changes the book and returns what the event implies for the store, to be committed with it.
 */
export class TransactionBook {
  readonly #about: TransactionBookOptions
  /** Open ones in the order of their start, ended ones in the order of their end. */
  readonly #records = new Map<string, TransactionRecord>()

  constructor(options: TransactionBookOptions) {
    this.#about = options
    const oldestFirst = options.transactions.toSorted((a, b) => a.updatedAtMs - b.updatedAtMs)
    for (const record of oldestFirst) this.#records.set(record.transactionId, record)
  }

  /** The digest of a 1.6 content key: the charge point is part of what makes two starts the same one. */
  startKeyOf(contentKey: string): string {
    return digestOf(`${this.#about.chargePointId}\u0001${contentKey}`)
  }

  /** The open transaction that a StartTransaction with this content has begun (C2, C3). */
  openWithStartKey(startKey: string): TransactionRecord | undefined {
    for (const record of this.#records.values()) {
      if (record.state === 'open' && record.startKey === startKey) return record
    }
    return undefined
  }

  get(transactionId: string): TransactionRecord | undefined {
    return this.#records.get(transactionId)
  }

  /** True when this step begins a record and makes the oldest open one be forgotten for it. */
  overflowsWith(step: TransactionStep, transactionId: string): boolean {
    if (step.kind === 'end' || isForgettable(step) || this.#sameTransaction(step, transactionId)) return false
    const replaced = this.#records.get(transactionId)?.state === 'open' ? 1 : 0
    return this.#count('open') - replaced >= this.#about.openTransactionsMax
  }

  /** What is known of the transaction of this step, as it will be after `apply`. */
  factsOf(step: TransactionStep, transactionId: string, startKey?: string): TransactionFacts {
    const known = this.#sameTransaction(step, transactionId)
    const evse = moreExact(known?.evse, step.evse)
    const idToken = known?.idToken ?? step.idToken
    const meterStartWh = known?.meterStartWh ?? step.meterStartWh
    const startedAt = known?.startedAt ?? (step.kind === 'start' ? step.deviceTime : undefined)
    const duplicateOf = known && this.#repeated(step, known)
    const key = startKey ?? known?.startKey
    return {
      transactionId,
      orphaned: step.kind !== 'start' && known?.startedEventId === undefined,
      ...(key === undefined ? {} : { startKey: key }),
      ...(duplicateOf === undefined ? {} : { duplicateOf }),
      ...(evse ? { evse } : {}),
      ...(idToken ? { idToken } : {}),
      ...(startedAt ? { startedAt } : {}),
      ...(meterStartWh === undefined ? {} : { meterStartWh })
    }
  }

  /** A duplicate changes nothing; neither does a 1.6 MeterValues, of which nothing has to be remembered. */
  apply(step: TransactionStep, facts: TransactionFacts, result: StepResult): readonly StoreChange[] {
    if (facts.duplicateOf !== undefined) return []
    if (isForgettable(step)) return []
    const changes: StoreChange[] = []
    const known = this.#sameTransaction(step, facts.transactionId)
    const record = this.#after(step, facts, known, result)
    // An ended one goes to the end of the map, and so does one that takes the place of another with its id.
    if (record.state === 'ended' || !known) this.#records.delete(record.transactionId)
    if (record.state === 'open' && !known) this.#forgetOldest('open', this.#about.openTransactionsMax - 1, changes)
    this.#records.set(record.transactionId, record)
    changes.push(this.#change(record.transactionId, record))
    if (record.state === 'ended') this.#forgetOldest('ended', this.#about.endedTransactionsMax, changes)
    return changes
  }

  /**
   * The record that this step belongs to. Stations that count their transactions anew after a reboot use an id again: a
   * start at another time is another transaction. A 1.6 station that never got an id stops every transaction as 0 or
   * -1 (quirk 30), so an ended one with such an id is only meant when the time of the stop is the same.
   */
  #sameTransaction(step: TransactionStep, transactionId: string): TransactionRecord | undefined {
    const record = this.#records.get(transactionId)
    if (!record) return undefined
    if (step.kind === 'start') {
      const isOther = record.startedAt && step.deviceTime && record.startedAt.raw !== step.deviceTime.raw
      return isOther ? undefined : record
    }
    const isNoRealId = this.#about.version === '1.6' && !(Number(transactionId) > 0)
    const isSameEnd = step.deviceTime?.raw !== '' && record.endedAt?.raw === step.deviceTime?.raw
    return isNoRealId && step.kind === 'end' && !isSameEnd ? undefined : record
  }

  /** The id of the event that this step repeats. */
  #repeated(step: TransactionStep, known: TransactionRecord): string | undefined {
    if (step.seqNo !== undefined) {
      for (const [seqNo, eventId] of known.seen) if (seqNo === step.seqNo) return eventId
    }
    if (step.kind === 'start') return known.startedEventId
    return step.kind === 'end' && known.state === 'ended' ? known.endedEventId : undefined
  }

  #after(
    step: TransactionStep,
    facts: TransactionFacts,
    known: TransactionRecord | undefined,
    { eventId, meterStopWh, decision, nowMs }: StepResult
  ): TransactionRecord {
    const { chargePointId, version, epoch } = this.#about
    const { evse, idToken, startedAt, meterStartWh, startKey } = facts
    const authorization = step.kind === 'start' ? decision?.authorization : undefined
    const seen = known?.seen ?? []
    return {
      ...(known ?? { chargePointId, transactionId: facts.transactionId, version, state: 'open' }),
      // Of the last change: what an earlier epoch still has to say of it elsewhere is older, whatever its clock says.
      epoch,
      ...(evse ? { evse } : {}),
      ...(idToken ? { idToken } : {}),
      ...(startedAt ? { startedAt } : {}),
      ...(meterStartWh === undefined ? {} : { meterStartWh }),
      ...(startKey === undefined ? {} : { startKey }),
      ...(authorization ? { authorization } : {}),
      ...(step.kind === 'start' ? { startedEventId: eventId } : {}),
      ...(step.kind === 'end' ? { state: 'ended', endedEventId: eventId } : {}),
      ...(step.kind === 'end' && step.deviceTime ? { endedAt: step.deviceTime } : {}),
      ...(step.kind === 'end' && meterStopWh !== undefined ? { meterStopWh } : {}),
      seen: step.seqNo === undefined ? seen : [...seen, [step.seqNo, eventId] as const].slice(-seenSeqNosMax),
      updatedAtMs: nowMs
    }
  }

  #forgetOldest(state: TransactionRecord['state'], keep: number, changes: StoreChange[]): void {
    let surplus = this.#count(state) - keep
    for (const [transactionId, record] of this.#records) {
      if (surplus <= 0) return
      if (record.state !== state) continue
      this.#records.delete(transactionId)
      changes.push(this.#change(transactionId, null))
      surplus -= 1
    }
  }

  #count(state: TransactionRecord['state']): number {
    let count = 0
    for (const record of this.#records.values()) if (record.state === state) count += 1
    return count
  }

  #change(transactionId: string, value: TransactionRecord | null): StoreChange {
    return { table: 'transactions', key: keyOf.transaction(this.#about.chargePointId, transactionId), value }
  }
}

/** A 1.6 MeterValues: it has no number to be told by. */
function isForgettable(step: TransactionStep): boolean {
  return step.kind === 'update' && step.seqNo === undefined
}

/** The connector is often told later than the EVSE. */
function moreExact(known: Evse | undefined, said: Evse | undefined): Evse | undefined {
  if (!known || !said) return known ?? said
  return known.connectorId === undefined && known.id === said.id ? said : known
}
