import { deepStrictEqual, ok, rejects, strictEqual } from 'node:assert'
import { test } from 'node:test'
import { type BlockSource, secondsSince2020, TransactionIds } from '../../../src/adapters/embedded/transaction-ids.ts'
import { FakeClock } from '../../support/fake-clock.ts'

const turns = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)))

/** A node on `rows`, with blocks of a source that is there until it is `away`. */
function open(rows = new Map<string, Buffer>()) {
  const clock = new FakeClock()
  const asked: number[] = []
  const state = { away: false, next: 2 * secondsSince2020(clock.now()) }
  const source: BlockSource = async (count, atLeast) => {
    if (state.away) throw new Error('away')
    asked.push(atLeast)
    const first = Math.max(state.next, atLeast)
    state.next = first + count
    return { first, last: first + count - 1 }
  }
  const commit = async (changes: readonly { readonly key: Buffer; readonly value: Buffer | null }[]) => {
    for (const { key, value } of changes) {
      if (value) rows.set(key.toString(), value)
      else rows.delete(key.toString())
    }
  }
  const ids = new TransactionIds({ state: { get: (key) => rows.get(key.toString()) } }, clock, commit, source)
  return { ids, rows, asked, state }
}

test('a node that was filled once gives ids while the source is away, also after a restart then', async () => {
  const first = open()
  first.ids.fill()
  await turns()
  strictEqual(first.asked.length, 2, 'a block for now and one in reserve')
  first.state.away = true
  const before = await first.ids.next()
  const second = open(first.rows)
  second.state.away = true
  const after = await second.ids.next()
  ok(after > before)
  const third = open(second.rows)
  third.state.away = true
  await rejects(async () => await third.ids.next())
})

// A copy that was put back had gone on since: its block in reserve was given away, and was given away again.
test('a disk that is put back from a copy gives no id again while the source is there', async () => {
  const first = open()
  first.ids.fill()
  await turns()
  const copy = new Map(first.rows)
  const given = new Set<number>()
  for (let n = 0; n < 2_500; n++) given.add(await first.ids.next())
  const second = open(copy)
  second.state.next = first.state.next
  for (let n = 0; n < 2_500; n++) {
    const id = await second.ids.next()
    ok(!given.has(id), `${id} was given twice`)
  }
})

test('a reserve that was used is fetched anew when the node is filled again', async () => {
  const first = open()
  first.ids.fill()
  await turns()
  const second = open(first.rows)
  second.state.away = true
  await second.ids.next()
  await turns()
  second.state.away = false
  second.state.next = first.state.next
  second.ids.fill()
  await turns()
  const third = open(second.rows)
  third.state.away = true
  strictEqual(typeof (await third.ids.next()), 'number')
  second.ids.fill()
  await turns()
  strictEqual(second.asked.length, 1, 'what is full stays as it is')
})

test('what is heard of blocks of others is on disk, and the least that a source is asked for', async () => {
  const first = open()
  const far = first.ids.end + 1_000_000_000
  await first.ids.heard(far)
  await first.ids.heard(far - 1)
  const second = open(first.rows)
  strictEqual(second.ids.end, far)
  second.ids.fill()
  await turns()
  deepStrictEqual(second.asked, [far, far + 1_000])
})
