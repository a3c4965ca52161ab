import { deepStrictEqual, strictEqual } from 'node:assert'
import { test } from 'node:test'
import { CommandLanes } from '../../src/gateway/command-lanes.ts'
import { claimedCommand } from '../support/claimed-command.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { memoryLogger } from '../support/memory-logger.ts'

const turn = () => new Promise((resolve) => setImmediate(resolve))

/** Lanes whose commands are on their way until somebody says that they have arrived. */
function slowLanes() {
  const sent: string[] = []
  const onTheWay = new Map<string, PromiseWithResolvers<void>>()
  const lanes = new CommandLanes({
    clock: new FakeClock(),
    logger: memoryLogger(),
    send: ({ commandId }) => {
      sent.push(commandId)
      const way = Promise.withResolvers<void>()
      onTheWay.set(commandId, way)
      return way.promise
    }
  })
  return { lanes, sent, onTheWay }
}

test('one command of a charge point is on its way at a time, others do not wait for it', async () => {
  const { lanes, sent, onTheWay } = slowLanes()
  const first = lanes.go(claimedCommand('c-1'))
  const second = lanes.go(claimedCommand('c-2'))
  const other = lanes.go(claimedCommand('c-3', { chargePointId: 'CP-2' }))
  await turn()
  deepStrictEqual(sent, ['c-1', 'c-3'])
  deepStrictEqual(
    ['CP-1', 'CP-2', 'CP-3'].map((id) => lanes.waiting(id)),
    [1, 0, 0]
  )
  for (const way of onTheWay.values()) way.resolve()
  await turn()
  deepStrictEqual(sent, ['c-1', 'c-3', 'c-2'])
  onTheWay.get('c-2')?.resolve()
  await Promise.all([first, second, other])
  strictEqual(lanes.has('CP-1'), false)
})

test('a command that fails on its way holds up none behind it', async () => {
  const { lanes, sent, onTheWay } = slowLanes()
  const first = lanes.go(claimedCommand('c-1'))
  const second = lanes.go(claimedCommand('c-2'))
  await turn()
  onTheWay.get('c-1')?.reject(new Error('broken'))
  await first
  await turn()
  deepStrictEqual(sent, ['c-1', 'c-2'])
  onTheWay.get('c-2')?.resolve()
  await second
})
