import assert from 'node:assert'
import type { NodeStore } from '../../ports/node-store.ts'
import type { CommandRecord, StoreChange, TableName, Tables } from '../../ports/records.ts'
import type { Row } from './batch.ts'
import type { Store } from './store.ts'
import { after, decodeRow, fits, keyOfRow, rowsOf, tableRange } from './tables.ts'

/** Rows that one `list` returns when no limit is given. */
const listLimitDefault = 10_000

/** The node's tables: what is on disk, and above it the changes that are on their way there. */
export class EmbeddedNodeStore implements NodeStore {
  readonly #store: Store
  readonly #commit: (changes: readonly StoreChange[]) => Promise<void>
  #commandStaged: (commandId: string, record: CommandRecord | null) => void = () => undefined
  readonly #staged: Readonly<Record<TableName, Map<string, StoreChange>>> = {
    chargePoints: new Map(),
    transactions: new Map(),
    commands: new Map(),
    openEpochs: new Map(),
    forwarded: new Map(),
    members: new Map()
  }

  constructor(store: Store, commit: (changes: readonly StoreChange[]) => Promise<void>) {
    this.#store = store
    this.#commit = commit
  }

  get<T extends TableName>(table: T, key: string): Tables[T] | undefined {
    const change = this.#staged[table].get(key)
    if (change) return (change.value as Tables[T] | null) ?? undefined
    return this.persisted(table, key)
  }

  /** What is on disk: for readers. */
  persisted<T extends TableName>(table: T, key: string): Tables[T] | undefined {
    const value = this.#store.state.get(keyOfRow(table, key))
    return value && decodeRow<T>(value)
  }

  list<T extends TableName>(
    table: T,
    options: { readonly prefix?: string; readonly after?: string; readonly limit?: number } = {}
  ): readonly Tables[T][] {
    const { prefix = '', limit = listLimitDefault } = options
    const staged = [...this.#staged[table].values()]
      .filter(({ key }) => key.startsWith(prefix))
      .map((change) => ({ key: keyOfRow(table, change.key), value: change.value as Tables[T] | null }))
      .filter(({ key }) => options.after === undefined || Buffer.compare(key, keyOfRow(table, options.after)) > 0)
      .sort((a, b) => Buffer.compare(a.key, b.key))
    const found: Tables[T][] = []
    let next = 0
    const takeStagedBefore = (key: Buffer | undefined): boolean => {
      for (; next < staged.length && found.length < limit; next++) {
        const row = staged[next]
        if (!row) break
        const order = key ? Buffer.compare(row.key, key) : -1
        if (order > 0) return false
        if (row.value) found.push(row.value)
        if (order === 0) {
          next++
          return true
        }
      }
      return false
    }
    for (const { key, value } of this.#entries(table, prefix, options.after)) {
      const replaced = takeStagedBefore(key)
      if (found.length >= limit) return found
      if (!replaced) found.push(decodeRow<T>(value))
      if (found.length >= limit) return found
    }
    takeStagedBefore(undefined)
    return found
  }

  /** Rows on disk alone, in key order: for readers. */
  *persistedList<T extends TableName>(table: T, prefix = '', afterKey?: string): Generator<Tables[T]> {
    for (const { value } of this.#entries(table, prefix, afterKey)) yield decodeRow<T>(value)
  }

  *#entries(table: TableName, prefix: string, afterKey: string | undefined) {
    const { start, end } = tableRange(table, prefix)
    const from = afterKey === undefined ? start : after(keyOfRow(table, afterKey))
    if (Buffer.compare(from, end) >= 0) return
    yield* this.#store.state.getRange({ start: Buffer.compare(from, start) > 0 ? from : start, end })
  }

  commit(changes: readonly StoreChange[]): Promise<void> {
    return this.#commit(changes)
  }

  /** Hears of each change of a command before it is shown. */
  onCommandStaged(listener: (commandId: string, record: CommandRecord | null) => void): void {
    this.#commandStaged = listener
  }

  /** From now on `get` and `list` show these changes. */
  stage(changes: readonly StoreChange[]): void {
    for (const change of changes) {
      assert(fits(change), `the key of a row of ${change.table} is empty or too long: ${change.key}`)
      if (change.table === 'commands') this.#commandStaged(change.key, change.value)
      this.#staged[change.table].set(change.key, change)
    }
  }

  /** They are on disk, or will never be: what is not staged again since is read from there. */
  unstage(changes: readonly StoreChange[]): void {
    for (const change of changes) {
      if (this.#staged[change.table].get(change.key) === change) this.#staged[change.table].delete(change.key)
    }
  }

  /** What one transaction writes for these changes; of several to the same row only the last. */
  rowsOf(changes: Iterable<StoreChange>): Row[] {
    const last = new Map<string, StoreChange>()
    for (const change of changes) last.set(`${change.table} ${change.key}`, change)
    const rows: Row[] = []
    for (const change of last.values()) {
      rows.push(...rowsOf(change, (commandId) => this.persisted('commands', commandId)))
    }
    return rows
  }
}
