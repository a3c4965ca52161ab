import { deepStrictEqual, strictEqual } from 'node:assert'
import { test } from 'node:test'
import { EventCheck, type GatewayEvent } from '../../examples/consumer/event-check.ts'

function event(n: number, more: Partial<GatewayEvent> = {}): GatewayEvent {
  const epoch = more.epoch ?? 7
  const sequence = `${String(epoch).padStart(10, '0')}-${String(n).padStart(10, '0')}`
  return {
    id: `${epoch}-${n}`,
    source: '/charge-points/A',
    type: 't',
    subject: 'A',
    node: 'gw-0',
    data: {},
    epoch,
    sequence,
    ...more
  }
}

test('an event that comes again is a repeat, also when it comes late; another charge point may have the same id', () => {
  const check = new EventCheck()
  for (const n of [1, 2, 3]) strictEqual(check.take(event(n)).kind, 'new')
  for (const n of [2, 3, 1]) strictEqual(check.take(event(n)).kind, 'repeat')
  strictEqual(check.take(event(2, { source: '/charge-points/B' })).kind, 'new')
})

test('a gap is told with what is missing, within its own charge point and epoch alone', () => {
  const check = new EventCheck()
  check.take(event(1))
  deepStrictEqual(check.take(event(4)), { kind: 'gap', first: 2, last: 3 })
  strictEqual(check.take(event(5)).kind, 'new')
  strictEqual(check.take(event(1, { epoch: 8 })).kind, 'new')
  // The rest of the older epoch, after the takeover.
  strictEqual(check.take(event(6)).kind, 'new')
  // While Redis was away another node gave the same epoch: its events are in no line with these.
  strictEqual(check.take(event(1, { id: 'x', node: 'gw-1' })).kind, 'new')
  deepStrictEqual(check.take(event(3, { id: 'y', node: 'gw-1' })), { kind: 'gap', first: 2, last: 2 })
  const { epoch: _, sequence: __, ...sessionless } = event(9)
  strictEqual(check.take(sessionless).kind, 'new')
})

test('ids are forgotten from the oldest on, so that memory stays bounded', () => {
  const check = new EventCheck({ ids: 2, connections: 10 })
  for (const n of [1, 2, 3]) check.take(event(n))
  strictEqual(check.take(event(3)).kind, 'repeat')
  strictEqual(check.take(event(1)).kind, 'new')
})

test('a connection is forgotten at its end, which may come after a gap; of `node_lost` the rest may come yet', () => {
  const check = new EventCheck()
  check.take(event(1))
  deepStrictEqual(check.take(event(3, { type: 'charge_point.disconnected' })), { kind: 'gap', first: 2, last: 2 })
  strictEqual(check.connections, 0)
  strictEqual(check.take(event(3)).kind, 'repeat')
  strictEqual(check.connections, 0)
  check.take(event(1, { epoch: 8 }))
  const { sequence: _, ...lost } = event(0, { epoch: 8, type: 'charge_point.disconnected', node: 'gw-1' })
  strictEqual(check.take(lost).kind, 'new')
  deepStrictEqual(check.take(event(3, { epoch: 8 })), { kind: 'gap', first: 2, last: 2 })
})

test('of connections whose end never came those are forgotten that were silent for longest', () => {
  const check = new EventCheck({ ids: 100, connections: 2 })
  check.take(event(1, { epoch: 7 }))
  check.take(event(1, { epoch: 8 }))
  check.take(event(2, { epoch: 7 }))
  check.take(event(1, { epoch: 9 }))
  strictEqual(check.connections, 2)
  strictEqual(check.take(event(4, { epoch: 7 })).kind, 'gap')
  strictEqual(check.take(event(4, { epoch: 8 })).kind, 'new')
})
