import type { ConsumerRecord } from '../../ports/event-log.ts'
import type { Store } from './store.ts'
import { consumerTag, endOf, taggedKey } from './tables.ts'

/** The named consumers, as they are on disk. */
export class Consumers {
  readonly #required: ReadonlySet<string>
  readonly #records = new Map<string, ConsumerRecord>()

  constructor(required: readonly string[], store: Store) {
    this.#required = new Set(required)
    const start = taggedKey(consumerTag, '')
    for (const { value } of store.state.getRange({ start, end: endOf(start) })) {
      const stored = JSON.parse(value.toString()) as Omit<ConsumerRecord, 'required'>
      this.#records.set(stored.name, { ...stored, required: this.#required.has(stored.name) })
    }
  }

  make(name: string, position: number, updatedAtMs: number): ConsumerRecord {
    return { name, position, required: this.#required.has(name), updatedAtMs }
  }

  keyOf(name: string): Buffer {
    return taggedKey(consumerTag, name)
  }

  encode({ name, position, updatedAtMs }: ConsumerRecord): Buffer {
    return Buffer.from(JSON.stringify({ name, position, updatedAtMs }))
  }

  set(record: ConsumerRecord): void {
    this.#records.set(record.name, record)
  }

  delete(name: string): void {
    this.#records.delete(name)
  }

  get(name: string): ConsumerRecord | undefined {
    return this.#records.get(name)
  }

  list(): readonly ConsumerRecord[] {
    return [...this.#records.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  /** The last position that every required consumer has dealt with. One that never came has dealt with none. */
  held(): number {
    let held = Number.POSITIVE_INFINITY
    for (const name of this.#required) held = Math.min(held, this.#records.get(name)?.position ?? 0)
    return held
  }

  /** Required consumers that have not dealt with `position`. */
  behind(position: number): readonly string[] {
    return [...this.#required].filter((name) => (this.#records.get(name)?.position ?? 0) < position).sort()
  }
}
