import { deepStrictEqual, ok, strictEqual } from 'node:assert'
import { test } from 'node:test'
import { watchOutcome } from '../../src/gateway/outcome-watch.ts'
import type { CommandRecord } from '../../src/ports/records.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { GatewayHarness, turn } from '../support/gateway.ts'

const settled = { commandId: 'c-1', state: 'settled' } as CommandRecord
const written = { commandId: 'c-1', state: 'written' } as CommandRecord

function watch(get: () => Promise<CommandRecord | undefined>) {
  const clock = new FakeClock()
  const found: CommandRecord[] = []
  let looks = 0
  const end = watchOutcome({
    clock,
    get: () => {
      looks++
      return get()
    },
    found: (record) => found.push(record)
  })
  const pass = async (ms: number) => {
    for (let at = 0; at < ms; at++) {
      clock.advance(1)
      await turn()
    }
  }
  return { clock, found, end, pass, looks: () => looks }
}

test('an outcome that another node has settled is found, once', async () => {
  let now = written
  const world = watch(async () => now)
  await world.pass(40)
  deepStrictEqual(world.found, [])
  now = settled
  await world.pass(500)
  deepStrictEqual(world.found, [settled])
})

test('it is looked for often at first and then four times a second, through failures of the ledger, until it is ended', async () => {
  const world = watch(() => Promise.reject(new Error('Redis is away')))
  await world.pass(100)
  strictEqual(world.looks(), 4)
  await world.pass(10_000)
  ok(world.looks() > 38 && world.looks() < 48, `${world.looks()} looks`)
  const before = world.looks()
  world.end()
  await world.pass(1_000)
  strictEqual(world.looks(), before)
})

test('who waits on a node that does not own the charge point gets the outcome when it is there', async () => {
  const gateway = new GatewayHarness({
    route: { deliver: async () => 'handed_over', cancel: async () => false }
  })
  const submitted = await gateway.submit('CP-1', { id: 'c-1' })
  ok(submitted.kind === 'accepted')
  const got: (string | undefined)[] = []
  gateway.node.desk.settled('c-1', 30_000).then((record) => got.push(record?.settlement?.outcome))
  await turn()
  deepStrictEqual(got, [])
  gateway.ledger.get = async () => ({ ...submitted.record, state: 'settled', settlement: { outcome: 'accepted' } })
  gateway.clock.advance(5)
  await turn()
  deepStrictEqual(got, ['accepted'])
})
