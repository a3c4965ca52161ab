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

/** How much is remembered. */
export interface CheckLimits {
  /** Ids, the newest: a repeat that comes later than that counts as new. */
  readonly ids: number
  /** Connections, those that spoke last: more than can be open at once, or a gap in one that was silent for long is not told. */
  readonly connections: number
}

/**
 * Tells repeats and gaps. It remembers the newest ids, and where each connection stands until it has ended; a real consumer keeps ids and positions beside what it
 * makes of the events, in the same transaction, so that a restart repeats nothing.
 */
export class EventCheck {
  readonly #limits: CheckLimits
  readonly #ids = new Set<string>()
  /**
   * The last number by charge point, epoch and node, who spoke last at the end: while Redis is away two nodes may give the
   * same epoch. An older one may go on after a newer one has begun.
   */
  readonly #last = new Map<string, number>()

  constructor(limits: CheckLimits = { ids: 1_000_000, connections: 200_000 }) {
    this.#limits = limits
  }

  /** Connections that it remembers. */
  get connections(): number {
    return this.#last.size
  }

  take({ source, id, type, node, epoch, sequence }: GatewayEvent): Verdict {
    const key = `${source} ${id}`
    if (this.#ids.has(key)) return { kind: 'repeat' }
    this.#ids.add(key)
    forgetOldest(this.#ids, this.#limits.ids)
    // Events that belong to no session have neither.
    if (epoch === undefined || sequence === undefined) return { kind: 'new' }
    const number = Number(sequence.slice(sequence.indexOf('-') + 1))
    const session = `${source} ${epoch} ${node}`
    const last = this.#last.get(session)
    this.#last.delete(session)
    // With a number of its own it is the last of its epoch; `node_lost` has none, and the rest may come yet.
    if (type !== 'charge_point.disconnected') this.#last.set(session, Math.max(last ?? 0, number))
    forgetOldest(this.#last, this.#limits.connections)
    // Who begins in the middle of an epoch has missed nothing that it was meant to see.
    return last === undefined || number <= last + 1
      ? { kind: 'new' }
      : { kind: 'gap', first: last + 1, last: number - 1 }
  }
}

function forgetOldest(
  kept: { readonly size: number; keys(): Iterable<string>; delete(key: string): boolean },
  max: number
): void {
  for (const oldest of kept.keys()) {
    if (kept.size <= max) break
    kept.delete(oldest)
  }
}
