import type { StoreChange, TableName, Tables } from './records.ts'

/** The node's own tables, in the same store as its event log. */
export interface NodeStore {
  /** The newest value, with changes that were appended but are not yet on disk. For sessions, not for readers. */
  get<T extends TableName>(table: T, key: string): Tables[T] | undefined
  /** The newest values whose key starts with `prefix`, in key order, after key `after`. Same freshness as `get`. */
  list<T extends TableName>(
    table: T,
    options?: { readonly prefix?: string; readonly after?: string; readonly limit?: number }
  ): readonly Tables[T][]
  /** Commit changes that no event implies. Resolves once on disk; ordered with `EventLog.append`. */
  commit(changes: readonly StoreChange[]): Promise<void>
}
