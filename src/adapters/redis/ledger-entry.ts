import type { CommandOutcome, CommandRecord, CommandState } from '../../ports/records.ts'

/** A command as Redis has it. */
export interface LedgerEntry {
  readonly record: CommandRecord
  /** The life of `record.node` that looks after it. */
  readonly incarnation: string
  readonly handedOver: boolean
  /** When it was handed over, until its node has received it. */
  readonly handedAtMs?: number
  /** The generation of the group in which its record was read; absent: nobody but its node may send it. */
  readonly readIn?: number
  readonly published: boolean
}

/** What never changes; the rest stands in fields of its own. */
export function encodeRecord(record: CommandRecord): string {
  const { state: _state, node: _node, epoch: _epoch, writtenAtMs: _written, readIn: _readIn, ...rest } = record
  const { settledAtMs: _settled, settlement: _settlement, ...fixed } = rest
  return JSON.stringify(fixed)
}

/** From the fields and values that HGETALL inside a script returns. */
export function decodeEntry(flat: readonly string[]): LedgerEntry | undefined {
  const fields = new Map<string, string>()
  for (let index = 0; index + 1 < flat.length; index += 2) fields.set(flat[index] ?? '', flat[index + 1] ?? '')
  const text = fields.get('record')
  if (text === undefined) return undefined
  const epoch = fields.get('epoch')
  const writtenAtMs = fields.get('writtenAtMs')
  const settledAtMs = fields.get('settledAtMs')
  const settlement = fields.get('settlement')
  const record: CommandRecord = {
    ...(JSON.parse(text) as CommandRecord),
    state: fields.get('state') as CommandState,
    node: fields.get('node') ?? '',
    ...(epoch !== undefined && { epoch: Number(epoch) }),
    ...(writtenAtMs !== undefined && { writtenAtMs: Number(writtenAtMs) }),
    ...(settledAtMs !== undefined && { settledAtMs: Number(settledAtMs) }),
    ...(settlement !== undefined && { settlement: JSON.parse(settlement) as CommandOutcome })
  }
  const readIn = fields.get('readIn')
  const handedAtMs = fields.get('handedAtMs')
  return {
    record,
    ...(handedAtMs !== undefined && { handedAtMs: Number(handedAtMs) }),
    ...(readIn !== undefined && { readIn: Number(readIn) }),
    incarnation: fields.get('incarnation') ?? '',
    handedOver: fields.get('handedOver') === '1',
    published: fields.get('published') === '1'
  }
}
