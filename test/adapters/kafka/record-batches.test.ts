import { deepStrictEqual, ok, strictEqual } from 'node:assert'
import { test } from 'node:test'
import { createRecordsBatch } from '@platformatic/kafka'
import fc from 'fast-check'
import {
  batchesOf,
  recordBytes,
  recordBytesMaxOf,
  type WireRecord
} from '../../../src/adapters/kafka/record-batches.ts'

const record = (bytes: number): WireRecord => ({ key: 'k', value: 'v'.repeat(bytes), headers: {} })

test('bytes are counted as UTF-8, over key, value and headers', () => {
  strictEqual(recordBytes({ key: 'ä', value: '🔌', headers: { hé: 'x' } }), 2 + 4 + 3 + 1)
  strictEqual(recordBytes({ value: new Uint8Array(7), headers: {} }), 7)
})

test('batches keep the order and the bound, and a record that is larger goes alone', () => {
  const records = [10, 400, 400, 2000, 10, 10].map(record)
  const batches = [...batchesOf(records, 1000)]
  deepStrictEqual(batches.flat(), records)
  deepStrictEqual(
    batches.map((batch) => batch.length),
    [3, 1, 2]
  )
  deepStrictEqual([...batchesOf([], 1000)], [])
})

test('what the client writes for a batch is never larger than was reckoned', () => {
  const arbitrary = fc.record({
    key: fc.string({ maxLength: 40 }),
    value: fc.string({ maxLength: 300, unit: 'grapheme' }),
    headers: fc.dictionary(fc.string({ maxLength: 10 }), fc.string({ maxLength: 20 }), { maxKeys: 4 })
  })
  fc.assert(
    fc.property(
      fc.array(arbitrary, { minLength: 1, maxLength: 20 }),
      fc.integer({ min: 400, max: 4000 }),
      (records, max) => {
        for (const batch of batchesOf(records, max)) {
          const messages = batch.map(({ key, value, headers }) => ({
            topic: 't',
            key: Buffer.from(key ?? ''),
            value: Buffer.from(value),
            headers: new Map(Object.entries(headers).map(([name, text]) => [Buffer.from(name), Buffer.from(text)]))
          }))
          if (batch.length > 1) ok(createRecordsBatch(messages).buffer.byteLength <= max)
        }
      }
    )
  )
})

test('the largest record of a topic leaves room for what the format adds', () => {
  const bytesMax = recordBytesMaxOf(1_048_588)
  ok(bytesMax > 1_000_000)
  const messages = [{ topic: 't', value: Buffer.alloc(bytesMax) }]
  ok(createRecordsBatch(messages).buffer.byteLength < 1_048_588)
  strictEqual(recordBytesMaxOf(10), 1)
})
