import { deepStrictEqual, match, ok, strictEqual } from 'node:assert'
import { test } from 'node:test'
import { type Connected, GatewayHarness, turn } from '../support/gateway.ts'

/** Let the stop run: time passes in small steps, as far as `ms`. */
async function pass(gateway: GatewayHarness, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 10) {
    gateway.clock.advance(10)
    await turn()
  }
}

async function connected(gateway: GatewayHarness, n: number): Promise<Connected[]> {
  const stations: Connected[] = []
  for (let i = 0; i < n; i++) {
    const station = await gateway.connect(`CP-${i}`)
    station.boot()
    stations.push(station)
  }
  await turn()
  return stations
}

test('a stop closes every charge point with 1001 in a paced way, within a third of its time', async () => {
  const gateway = new GatewayHarness()
  gateway.node.started()
  const stations = await connected(gateway, 30)
  const closed = () => stations.filter(({ wire }) => wire.closes.length > 0).length
  const stopping = gateway.node.stop(900)
  deepStrictEqual(gateway.node.readiness().reasons, ['the gateway is stopping'])
  strictEqual(closed(), 2, 'the first of fifteen steps')
  await pass(gateway, 140)
  ok(closed() > 10 && closed() < 30, `${closed()}`)
  await pass(gateway, 200)
  deepStrictEqual(await stopping, { connections: 30, cut: 0, waiting: 0 })
  ok(stations.every(({ wire }) => wire.closes[0] === 'shutting_down'))
  strictEqual(gateway.log.events('charge_point.disconnected').length, 30)
})

test('an open CALL is waited for, queued commands end at once, and no new connection comes', async () => {
  const gateway = new GatewayHarness()
  const [station] = await connected(gateway, 1)
  await gateway.submit('CP-0', { id: 'c-1' })
  await gateway.submit('CP-0', { id: 'c-2' })
  await turn()
  const stopping = gateway.node.stop(1000)
  await pass(gateway, 200)
  deepStrictEqual(
    gateway.log.events('command.outcome').map(({ data }) => [data.commandId, data.reason]),
    [['c-2', 'shutting_down']]
  )
  deepStrictEqual(station?.wire.closes, [])
  strictEqual((await gateway.admit('CP-9')).ok, false)
  station?.accept()
  await pass(gateway, 100)
  deepStrictEqual(await stopping, { connections: 1, cut: 0, waiting: 0 })
  strictEqual(gateway.log.events('command.outcome')[1]?.data.outcome, 'accepted')
})

test('an answer that does not come is cut at three quarters of the deadline, and its command is unknown', async () => {
  const gateway = new GatewayHarness()
  const [station] = await connected(gateway, 1)
  await gateway.submit('CP-0', { id: 'c-1' })
  await turn()
  const stopping = gateway.node.stop(1000)
  await pass(gateway, 730)
  deepStrictEqual(station?.wire.closes, [])
  await pass(gateway, 270)
  deepStrictEqual(await stopping, { connections: 1, cut: 1, waiting: 0 })
  strictEqual(gateway.log.events('command.outcome')[0]?.data.reason, 'disconnected')
})

test('what was answered is on disk, and what is on its way is answered before the socket closes', async () => {
  const gateway = new GatewayHarness()
  const [station] = await connected(gateway, 1)
  gateway.log.isHeld = true
  station?.call('StatusNotification', { connectorId: 1, errorCode: 'NoError', status: 'Available' }, 'last')
  const stopping = gateway.node.stop(1000)
  await pass(gateway, 100)
  deepStrictEqual(station?.wire.closes, [])
  gateway.log.isHeld = false
  gateway.log.land()
  await pass(gateway, 100)
  await stopping
  ok(station?.wire.frames.some(([type, id]) => type === 3 && id === 'last'))
  strictEqual(gateway.log.events().at(-1)?.type, 'charge_point.disconnected')
})

test('a log that takes nothing does not hold a stop beyond its deadline, and is told of', async () => {
  const gateway = new GatewayHarness()
  await connected(gateway, 2)
  gateway.log.isHeld = true
  const stopping = gateway.node.stop(500)
  await pass(gateway, 520)
  deepStrictEqual(await stopping, { connections: 2, cut: 0, waiting: 2 })
  match(gateway.lines.at(-1)?.message ?? '', /did not take every event/)
})

test('what a log that closes leaves behind is a mistake, but for the end of a stop that was too short for it', async () => {
  const levels: unknown[] = []
  for (const isStopped of [false, true]) {
    const gateway = new GatewayHarness()
    gateway.log.isHeld = true
    await connected(gateway, 2)
    const stopping = isStopped ? gateway.node.stop(500) : undefined
    await pass(gateway, 520)
    await stopping
    gateway.log.fail(new Error('closed'))
    await turn()
    const told = gateway.lines.filter(({ message }) => /could not be appended/.test(message))
    levels.push(told.map(({ level }) => level))
  }
  deepStrictEqual(levels, [['error'], ['warn']])
})

test('a stop without a charge point is done at once', async () => {
  const gateway = new GatewayHarness()
  deepStrictEqual(await gateway.node.stop(1000), { connections: 0, cut: 0, waiting: 0 })
})
