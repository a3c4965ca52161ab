import { deepStrictEqual } from 'node:assert'
import { test } from 'node:test'
import type { RecordsBatch } from '@platformatic/kafka'
import { committedBatches } from '../../../src/adapters/kafka/committed-batches.ts'

const attributes = { plain: 0, transactional: 1 << 4, mark: (1 << 4) | (1 << 5) }

/** A batch of two records, or a mark of one, of a producer at an offset. */
function batch(kind: keyof typeof attributes, firstOffset: number, producer = 7, markType?: 'abort' | 'commit') {
  const key = Buffer.from([0, 0, 0, markType === 'commit' ? 1 : 0])
  return {
    firstOffset: BigInt(firstOffset),
    lastOffsetDelta: markType ? 0 : 1,
    attributes: attributes[kind],
    producerId: BigInt(producer),
    records: markType ? [{ key }] : [{ key: null }, { key: null }]
  } as unknown as RecordsBatch
}

const data = (firstOffset: number, producer?: number) => batch('transactional', firstOffset, producer)
const abort = (firstOffset: number, producer?: number) => batch('mark', firstOffset, producer, 'abort')
const commit = (firstOffset: number, producer?: number) => batch('mark', firstOffset, producer, 'commit')
const from = (firstOffset: number, producer = 7) => ({
  producerId: BigInt(producer),
  firstOffset: BigInt(firstOffset)
})

const cases: [string, RecordsBatch[], ReturnType<typeof from>[], number[]][] = [
  ['plain records count, marks never do', [batch('plain', 0), commit(2), abort(3), batch('plain', 4)], [], [0, 4]],
  [
    'each transaction ends for itself',
    [data(0), abort(2), data(3), commit(5), data(6), abort(8)],
    [from(0), from(6)],
    [3]
  ],
  [
    'the list of brokers has no order',
    [data(0), abort(2), data(3), commit(5), data(6), abort(8)],
    [from(6), from(0)],
    [3]
  ],
  ['one whose end is not there yet reaches to the end', [data(0), data(2)], [from(0)], []],
  ['one that began before the first batch reaches to its mark', [data(10), abort(12), data(13)], [from(4)], [13]],
  ['one that begins within a batch, as its producer sees it', [data(0), abort(2)], [from(1)], []],
  ['an empty one takes nothing away', [data(0), abort(2), data(3), commit(5), abort(6)], [from(0)], [3]],
  [
    'producers do not share their ends',
    [data(0, 1), data(2, 2), abort(4, 1), data(5, 1), abort(7, 2)],
    [from(0, 1), from(2, 2)],
    [5]
  ],
  ['plain records of the same producer count', [batch('plain', 0), data(2), abort(4)], [from(0)], [0]]
]
for (const [what, batches, aborted, counting] of cases)
  test(`what counts in a log with transactions: ${what}`, () => {
    deepStrictEqual(
      committedBatches(batches, aborted).map(({ firstOffset }) => Number(firstOffset)),
      counting
    )
  })
