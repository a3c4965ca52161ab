import { deepStrictEqual, strictEqual } from 'node:assert'
import { test } from 'node:test'
import { GatewayHarness, turn } from '../support/gateway.ts'
import { booted } from './command-desk-world.ts'

// Who asks for a command or waits for its end, and what it is told when.

/** The command c-1 is written, and from now on the disk takes nothing until the test says so. */
async function writtenOnSlowDisk() {
  const gateway = new GatewayHarness()
  const station = await booted(gateway)
  await gateway.submit('CP-1', { id: 'c-1' })
  await turn()
  gateway.log.isHeld = true
  return { gateway, station }
}

test('an outcome that is not on disk yet is not told to who asks again, because a crash may undo it', async () => {
  const { gateway, station } = await writtenOnSlowDisk()
  station.accept()
  await turn()
  const again = await gateway.submit('CP-1', { id: 'c-1' })
  strictEqual(again.kind === 'accepted' && again.record.state, 'written')
  gateway.log.land()
  await turn()
  const later = await gateway.submit('CP-1', { id: 'c-1' })
  strictEqual(later.kind === 'accepted' && later.record.state, 'settled')
})

test('who waits gets the outcome as soon as it is on disk, and everybody who waits', async () => {
  const { gateway, station } = await writtenOnSlowDisk()
  const got: (string | undefined)[] = []
  for (const _ of [1, 2])
    gateway.node.desk.settled('c-1', 10_000).then((record) => got.push(record?.settlement?.outcome))
  station.accept()
  await turn()
  deepStrictEqual(got, [])
  gateway.log.land()
  await turn()
  deepStrictEqual(got, ['accepted', 'accepted'])
  strictEqual((await gateway.node.desk.settled('c-1', 10_000))?.state, 'settled')
})

test('who waits hears nothing of an outcome that a ledger elsewhere has and this disk has not', async () => {
  const { gateway, station } = await writtenOnSlowDisk()
  station.accept()
  await turn()
  gateway.ledger.get = async () => gateway.ledger.won[0]
  let got: string | undefined
  gateway.node.desk.settled('c-1', 10_000).then((record) => {
    got = record?.settlement?.outcome
  })
  await turn()
  strictEqual(got, undefined)
  gateway.log.land()
  await turn()
  strictEqual(got, 'accepted')
})

test('who waits in vain gets the command as it stands; an unknown id is nobody', async () => {
  const gateway = new GatewayHarness()
  await booted(gateway)
  await gateway.submit('CP-1', { id: 'c-1' })
  await turn()
  const waiting = gateway.node.desk.settled('c-1', 5_000)
  await turn()
  gateway.clock.advance(5_000)
  strictEqual((await waiting)?.state, 'written')
  strictEqual(await gateway.node.desk.settled('c-9', 5_000), undefined)
})
