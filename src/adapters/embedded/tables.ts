import type { CommandRecord, StoreChange, TableName, Tables } from '../../ports/records.ts'
import type { Row } from './batch.ts'

/**
 * Every row of the state table has a key that begins with a tag. Rows of a port's table carry JSON; the others are
 * indexes on them, kept by the same transaction.
 */
const tags = {
  chargePoints: 'C',
  transactions: 'T',
  commands: 'K',
  openEpochs: 'E',
  forwarded: 'F',
  members: 'M'
} as const satisfies Record<TableName, string>
const openTransactionTag = 'o'
const unsettledTag = 'u'
const recentTag = 'r'
const forgetTag = 'f'
export const consumerTag = 'c'
export const metaTag = 'm'

/** LMDB's limit is 1,978 bytes, and a key that it refuses would hold up the log; what a stranger names is bounded far below by whoever takes it in. */
const keyBytesMax = 1_024
const mark = Buffer.from('1')

export function taggedKey(tag: string, key: string): Buffer {
  return Buffer.from(tag + key)
}

export function keyOfRow(table: TableName, key: string): Buffer {
  return taggedKey(tags[table], key)
}

/** True when the key of a change can be stored at all. */
export function fits(change: StoreChange): boolean {
  const owner = change.table === 'commands' ? (change.value?.chargePointId ?? '') : ''
  return change.key.length > 0 && Buffer.byteLength(change.key) + Buffer.byteLength(owner) <= keyBytesMax
}

export function decodeRow<T extends TableName>(value: Buffer): Tables[T] {
  return JSON.parse(value.toString())
}

/** The rows that a change puts and removes, indexes included. */
export function rowsOf(change: StoreChange, previous: (commandId: string) => CommandRecord | undefined): Row[] {
  const rows: Row[] = [
    {
      key: keyOfRow(change.table, change.key),
      value: change.value && Buffer.from(JSON.stringify(change.value))
    }
  ]
  if (change.table === 'transactions') {
    const open = change.value?.state === 'open'
    rows.push({ key: taggedKey(openTransactionTag, change.key), value: open ? mark : null })
  } else if (change.table === 'commands') {
    rows.push(...commandIndexes(change.key, change.value, change.value ?? previous(change.key)))
  }
  return rows
}

function commandIndexes(commandId: string, value: CommandRecord | null, known: CommandRecord | undefined): Row[] {
  const unsettled = value !== null && value.state !== 'settled'
  const rows: Row[] = [{ key: taggedKey(unsettledTag, commandId), value: unsettled ? mark : null }]
  if (!known) return rows
  rows.push({ key: recentKey(known), value: value ? mark : null })
  if (!unsettled) rows.push({ key: forgetKey(known.forgetAtMs, commandId), value: value ? mark : null })
  return rows
}

/** Milliseconds since 1970 as text that sorts like the number, until the year 2286. */
function sortable(ms: number): string {
  return String(Math.max(0, Math.floor(ms))).padStart(13, '0')
}

function recentKey({ chargePointId, requestedAtMs, commandId }: CommandRecord): Buffer {
  return Buffer.from(`${recentPrefix(chargePointId)}${sortable(requestedAtMs)}${commandId}`)
}

export function recentPrefix(chargePointId: string): string {
  return `${recentTag}${chargePointId}\u0001`
}

export function commandIdOfRecent(key: Buffer, chargePointId: string): string {
  return key.toString().slice(recentPrefix(chargePointId).length + 13)
}

function forgetKey(forgetAtMs: number, commandId: string): Buffer {
  return Buffer.from(`${forgetTag}${sortable(forgetAtMs)}${commandId}`)
}

/** All commands that may be forgotten at `nowMs` stand between these two keys. */
export function forgetRange(nowMs: number): { start: Buffer; end: Buffer } {
  return { start: Buffer.from(forgetTag), end: Buffer.from(`${forgetTag}${sortable(nowMs + 1)}`) }
}

export function commandIdOfForget(key: Buffer): string {
  return key.toString().slice(forgetTag.length + 13)
}

export const unsettledRange = { start: Buffer.from(unsettledTag), end: endOf(Buffer.from(unsettledTag)) }

export function openTransactionRange(prefix: string): { start: Buffer; end: Buffer } {
  return rangeOf(openTransactionTag, prefix)
}

export function tableRange(table: TableName, prefix: string): { start: Buffer; end: Buffer } {
  return rangeOf(tags[table], prefix)
}

function rangeOf(tag: string, prefix: string): { start: Buffer; end: Buffer } {
  const start = taggedKey(tag, prefix)
  return { start, end: endOf(start) }
}

/** The first key after all that begin with `prefix`. UTF-8 never ends in 0xff, so the last byte can be raised. */
export function endOf(prefix: Buffer): Buffer {
  const end = Buffer.from(prefix)
  end[end.length - 1] = (end.at(-1) ?? 0) + 1
  return end
}

/** The first key after `key`. */
export function after(key: Buffer): Buffer {
  return Buffer.concat([key, Buffer.from([0])])
}
