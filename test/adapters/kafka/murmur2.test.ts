import { deepStrictEqual, strictEqual } from 'node:assert'
import { test } from 'node:test'
import { murmur2, partitionOfKey } from '../../../src/adapters/kafka/murmur2.ts'

test('murmur2 gives the hashes of the tests of the Java client', () => {
  const vectors: [string, number][] = [
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107]
  ]
  for (const [text, hash] of vectors) strictEqual(murmur2(Buffer.from(text)), hash, text)
})

test('a key has the partition that the Java console producer of Kafka 4.3.1 gave it, of twelve', () => {
  const written: [string, number][] = [
    ...[
      ['CP-001', 0],
      ['CP-002', 0],
      ['éè', 0],
      ['charge point with spaces', 1],
      ['ab', 2],
      ['CP-20000', 2]
    ],
    ...[
      ['abc', 3],
      ['充電-読み取り', 3],
      ['a', 4],
      ['DE*ABC*E123456', 5],
      ['Säule-7', 5],
      ['x'.repeat(63), 5]
    ],
    ...[
      ['AA:BB:CC:DD:EE:FF', 6],
      ['🔌', 7],
      ['ÿ', 7],
      ['abcd', 8],
      ['0', 8],
      ['', 9],
      ['CP/1', 9],
      ['Z', 9]
    ]
  ] as [string, number][]
  deepStrictEqual(
    written.map(([key]) => [key, partitionOfKey(key, 12)]),
    written
  )
})

test('a hash is of the bytes of a view, not of the memory behind it', () => {
  const memory = Buffer.from('..abc..')
  strictEqual(murmur2(memory.subarray(2, 5)), 479470107)
})
