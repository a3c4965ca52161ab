import type { Cancelled, CommandDeskView, CommandRequest, Submitted } from '../../../src/gateway/views.ts'
import type { CommandOutcome, CommandRecord } from '../../../src/ports/records.ts'

const nowMs = Date.UTC(2026, 10, 23, 10)

/** A command desk in memory: commands stay queued until the test writes or settles them. */
export class FakeDesk implements CommandDeskView {
  readonly commands = new Map<string, CommandRecord>()
  readonly #waiting = new Map<string, (() => void)[]>()
  readonly waits: number[] = []
  /** What the next submit answers instead of accepting. */
  nextAnswer: Submitted | undefined
  /** Settles each command at once. */
  settleWith: CommandOutcome | undefined

  async submit(request: CommandRequest): Promise<Submitted> {
    if (this.nextAnswer) return this.nextAnswer
    const commandId = request.id ?? `made-${this.commands.size + 1}`
    const digest = JSON.stringify([request.chargePointId, request.type, request.data])
    const known = this.commands.get(commandId)
    if (known)
      return known.digest === digest
        ? { kind: 'accepted', record: known, created: false }
        : { kind: 'conflict', record: known }
    const record: CommandRecord = {
      commandId,
      chargePointId: request.chargePointId,
      type: request.type,
      data: request.data,
      digest,
      priority: request.priority ?? 'normal',
      timeoutMs: request.timeoutMs ?? 30_000,
      expiresAtMs: nowMs + 300_000,
      requestedBy: request.requestedBy,
      requestedAtMs: nowMs,
      state: 'claimed',
      node: 'gw-0',
      forgetAtMs: nowMs + 86_400_000
    }
    this.commands.set(commandId, record)
    if (this.settleWith) queueMicrotask(() => this.settle(commandId, this.settleWith ?? { outcome: 'accepted' }))
    return { kind: 'accepted', record, created: true }
  }

  write(commandId: string): void {
    this.#change(commandId, { state: 'written', writtenAtMs: nowMs + 5, epoch: 7 })
  }

  settle(commandId: string, settlement: CommandOutcome): void {
    this.#change(commandId, { state: 'settled', settledAtMs: nowMs + 50, settlement })
    for (const wake of this.#waiting.get(commandId) ?? []) wake()
    this.#waiting.delete(commandId)
  }

  async cancel(commandId: string): Promise<Cancelled> {
    const record = this.commands.get(commandId)
    if (!record) return { kind: 'unknown' }
    if (record.state !== 'claimed') return { kind: 'too_late', record }
    this.settle(commandId, { outcome: 'not_sent', reason: 'cancelled' })
    return { kind: 'cancelled', record: this.commands.get(commandId) ?? record }
  }

  async get(commandId: string): Promise<CommandRecord | undefined> {
    return this.commands.get(commandId)
  }

  async recent(chargePointId: string, limit: number): Promise<readonly CommandRecord[]> {
    return [...this.commands.values()]
      .filter((record) => record.chargePointId === chargePointId)
      .reverse()
      .slice(0, limit)
  }

  /** A wait of a second or less is over at once. */
  async settled(commandId: string, waitMs: number): Promise<CommandRecord | undefined> {
    this.waits.push(waitMs)
    if (waitMs > 1000 && this.commands.get(commandId)?.state !== 'settled')
      await new Promise<void>((resolve) => {
        this.#waiting.set(commandId, [...(this.#waiting.get(commandId) ?? []), resolve])
      })
    return this.commands.get(commandId)
  }

  #change(commandId: string, change: Partial<CommandRecord>): void {
    const record = this.commands.get(commandId)
    if (!record) throw new Error(`no command ${commandId}`)
    this.commands.set(commandId, { ...record, ...change })
  }
}
