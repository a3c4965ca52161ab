/** What this example reads of an event; `charge-point-gateway/events` has the types of all of it. */
export interface GatewayEvent {
  readonly id: string
  readonly source: string
  readonly type: string
  readonly subject: string
  readonly node: string
  readonly epoch?: number
  readonly sequence?: string
  readonly correlationid?: string
  readonly data: unknown
}

export type Verdict =
  | { readonly kind: 'new' }
  | { readonly kind: 'repeat' }
  /** Events of this epoch that should have come before this one, and did not: from `first` to `last`. */
  | { readonly kind: 'gap'; readonly first: number; readonly last: number }

/**
 * Tells repeats and gaps. It remembers the last `idsMax` ids; a real consumer keeps ids and positions beside what it
 * makes of the events, in the same transaction, so that a restart repeats nothing.
 */
export class EventCheck {
  readonly #idsMax: number
  readonly #ids = new Set<string>()
  /**
   * The last number by charge point, epoch and node: while Redis is away two nodes may give the same epoch. An older one may
   * go on after a newer one has begun.
   */
  readonly #last = new Map<string, number>()

  constructor(idsMax = 1_000_000) {
    this.#idsMax = idsMax
  }

  take({ source, id, node, epoch, sequence }: GatewayEvent): Verdict {
    const key = `${source} ${id}`
    if (this.#ids.has(key)) return { kind: 'repeat' }
    this.#ids.add(key)
    for (const oldest of this.#ids) {
      if (this.#ids.size <= this.#idsMax) break
      this.#ids.delete(oldest)
    }
    // Events that belong to no session have neither.
    if (epoch === undefined || sequence === undefined) return { kind: 'new' }
    const number = Number(sequence.slice(sequence.indexOf('-') + 1))
    const session = `${source} ${epoch} ${node}`
    const last = this.#last.get(session)
    this.#last.set(session, Math.max(last ?? 0, number))
    // Who begins in the middle of an epoch has missed nothing that it was meant to see.
    return last === undefined || number <= last + 1
      ? { kind: 'new' }
      : { kind: 'gap', first: last + 1, last: number - 1 }
  }
}
