import type { NodeStore } from '../ports/node-store.ts'
import type { TableName, Tables } from '../ports/records.ts'

const pageRows = 1_000

/** All rows of a table, however many, read page by page. */
export function* everyRow<T extends TableName>(
  store: NodeStore,
  table: T,
  keyOfRow: (row: Tables[T]) => string
): Generator<Tables[T], void> {
  let after: string | undefined
  for (;;) {
    const rows = store.list(table, { limit: pageRows, ...(after === undefined ? {} : { after }) })
    yield* rows
    const last = rows.at(-1)
    if (!last || rows.length < pageRows) return
    after = keyOfRow(last)
  }
}
