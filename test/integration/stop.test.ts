import { deepStrictEqual, ok, strictEqual } from 'node:assert'
import { test } from 'node:test'
import { GatewayProcess } from '../support/gateway-process.ts'
import { Station } from '../support/station.ts'

const stations = 500

test('SIGTERM with 500 talking charge points: each gets 1001, each answer has its event, and the exit is clean', async () => {
  const gateway = new GatewayProcess(['--log.level', 'warn', '--shutdown.deadline', '20s'])
  try {
    await gateway.start()
    const { url } = gateway
    const all = await Promise.all(
      Array.from({ length: stations }, (_, index) => Station.connect({ url, id: `STOP-${index}` }))
    )
    await Promise.all(all.map((station) => station.boot()))
    const talk = all.map(async (station) => {
      for (;;) {
        const answer = await station.call('StatusNotification', {
          connectorId: 1,
          errorCode: 'NoError',
          status: 'Available'
        })
        ok(answer.ok)
      }
    })
    const ended = Promise.allSettled(talk)
    await new Promise((resolve) => setTimeout(resolve, 500))
    const exit = gateway.end('SIGTERM')
    const codes = await Promise.all(all.map((station) => station.closed))
    deepStrictEqual([...new Set(codes.map(({ code }) => code))], [1001])
    strictEqual(await exit, 0)
    await ended

    await gateway.start()
    const inLog = new Set((await gateway.events()).map(({ ocppmessageid }) => ocppmessageid))
    const answered = all.flatMap((station) => station.answered)
    ok(answered.length > stations, `${answered.length} answers`)
    deepStrictEqual(
      answered.filter((messageId) => !inLog.has(messageId)),
      []
    )
    const disconnected = (await gateway.events('&type=charge_point.disconnected')).map(
      ({ data }) => (data as { reason: string }).reason
    )
    deepStrictEqual([...new Set(disconnected)], ['shutting_down'])
    strictEqual(disconnected.length, stations)
  } finally {
    await gateway.remove()
  }
})

test('a command that waits for its answer keeps the stop waiting, a queued one ends as shutting_down', async () => {
  const gateway = new GatewayProcess(['--log.level', 'warn'])
  try {
    await gateway.start()
    const station = await Station.connect({ url: gateway.url, id: 'SLOW', onCall: () => undefined })
    await station.boot()
    const command = (id: string) =>
      gateway.post('/v1/charge-points/SLOW/commands', {
        id,
        type: 'ocpp.call',
        data: { action: 'Reset', payload: { type: 'Soft' } }
      })
    await command('first')
    await command('second')
    while (station.received.length === 0) await new Promise((resolve) => setTimeout(resolve, 10))
    const exit = gateway.end('SIGTERM')
    await new Promise((resolve) => setTimeout(resolve, 300))
    station.raw(JSON.stringify([3, station.received[0]?.messageId, { status: 'Accepted' }]))
    strictEqual((await station.closed).code, 1001)
    strictEqual(await exit, 0)
    strictEqual(station.received.length, 1)
    await gateway.start()
    const outcomes = (await gateway.events('&type=command.outcome')).map(
      ({ data }) => data as { commandId: string; outcome: string; reason?: string }
    )
    deepStrictEqual(outcomes.map(({ commandId, outcome, reason }) => [commandId, outcome, reason]).toSorted(), [
      ['first', 'accepted', undefined],
      ['second', 'not_sent', 'shutting_down']
    ])
  } finally {
    await gateway.remove()
  }
})

test('a second signal ends the gateway at once', async () => {
  const gateway = new GatewayProcess(['--log.level', 'warn', '--shutdown.deadline', '60s'])
  try {
    await gateway.start()
    // A CALL of ours that is never answered holds the stop.
    const station = await Station.connect({ url: gateway.url, id: 'MUTE', onCall: () => undefined })
    await station.boot()
    await gateway.post('/v1/charge-points/MUTE/commands', {
      type: 'ocpp.call',
      data: { action: 'Reset', payload: { type: 'Soft' } }
    })
    while (station.received.length === 0) await new Promise((resolve) => setTimeout(resolve, 10))
    const exit = gateway.end('SIGTERM')
    await new Promise((resolve) => setTimeout(resolve, 300))
    gateway.signal('SIGTERM')
    const code = await exit
    ok(code !== 0, `it did not end cleanly: ${code}`)
    await station.closed
  } finally {
    await gateway.remove()
  }
})
