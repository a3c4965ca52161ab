import { deepStrictEqual, match, ok, strictEqual } from 'node:assert'
import { after, before, test } from 'node:test'
import { GatewayProcess } from '../support/gateway-process.ts'
import { Station, type StationOptions } from '../support/station.ts'

// Commands down over real sockets: every one ends in exactly one outcome, and reaches the charge point at most once.

const gateway = new GatewayProcess(['--log.level', 'error', '--session.queue_calls_max', '3'])
before(() => gateway.start())
after(() => gateway.remove())

interface Command {
  readonly id: string
  readonly state: string
  readonly outcome?: string
  readonly reason?: string
}

const reset = { action: 'Reset', payload: { type: 'Soft' } }

async function station(id: string, onCall?: StationOptions['onCall']): Promise<Station> {
  const made = await Station.connect({ url: gateway.url, id, ...(onCall ? { onCall } : {}) })
  await made.boot()
  return made
}

function send(chargePointId: string, body: Record<string, unknown>, wait?: number) {
  const headers = wait === undefined ? {} : { prefer: `wait=${wait}` }
  return gateway.post(
    `/v1/charge-points/${chargePointId}/commands`,
    { type: 'ocpp.call', data: reset, ...body },
    headers
  )
}

/** The outcome events of a command: there must be exactly one. */
async function outcomeOf(chargePointId: string, id: string) {
  for (;;) {
    const all = await gateway.events(`&type=command.outcome&chargePointId=${chargePointId}`)
    const own = all.filter(({ correlationid }) => correlationid === id)
    ok(own.length <= 1, `one outcome for ${id}, not ${own.length}`)
    if (own[0])
      return own[0].data as {
        outcome: string
        reason?: string
        status?: string
        writtenAt?: string
        error?: { code: string }
      }
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

async function heard(who: Station, count: number): Promise<void> {
  while (who.received.length < count) await new Promise((resolve) => setTimeout(resolve, 5))
}

test('accepted, rejected and call_error are the own answers of the charge point', async () => {
  const answers: unknown[] = [{ status: 'Accepted' }, { status: 'Rejected' }]
  const who = await station('OWN-ANSWERS', () => answers.shift())
  for (const [id, outcome] of [
    ['own-1', 'accepted'],
    ['own-2', 'rejected']
  ] as const) {
    const { status, headers, body } = await send('OWN-ANSWERS', { id }, 10)
    strictEqual(status, 200)
    match(headers.get('preference-applied') ?? '', /wait/)
    strictEqual((body as Command).outcome, outcome)
    strictEqual((await outcomeOf('OWN-ANSWERS', id)).outcome, outcome)
  }
  await send('OWN-ANSWERS', { id: 'own-3' })
  await heard(who, 3)
  who.raw(JSON.stringify([4, who.received[2]?.messageId, 'NotSupported', '', {}]))
  const third = await outcomeOf('OWN-ANSWERS', 'own-3')
  strictEqual(third.outcome, 'call_error')
  strictEqual(third.error?.code, 'NotSupported')
  await who.close()
})

test('the same id and body is the same command; another body is a conflict', async () => {
  const who = await station('SAME')
  const first = await send('SAME', { id: 'same-1' }, 10)
  const second = await send('SAME', { id: 'same-1' }, 10)
  strictEqual(second.status, first.status)
  const other = await send('SAME', { id: 'same-1', data: { action: 'Reset', payload: { type: 'Hard' } } })
  strictEqual(other.status, 409)
  strictEqual((other.body as { code: string }).code, 'command_id_conflict')
  strictEqual(who.received.length, 1)
  await who.close()
})

test('one CALL is open at a time, high priority goes first, and a full queue refuses', async () => {
  const who = await station('QUEUE', () => undefined)
  const get = { action: 'GetConfiguration', payload: {} }
  await send('QUEUE', { id: 'q-0' })
  await heard(who, 1)
  for (const id of ['q-1', 'q-2']) await send('QUEUE', { id, data: get, priority: 'normal' })
  await send('QUEUE', { id: 'q-3' })
  await send('QUEUE', { id: 'q-4' })
  strictEqual((await outcomeOf('QUEUE', 'q-4')).reason, 'queue_full')
  strictEqual(who.received.length, 1)
  for (let answered = 0; answered < 4; answered++) {
    await heard(who, answered + 1)
    const { action, messageId } = who.received[answered] ?? { action: '', messageId: '' }
    who.raw(JSON.stringify([3, messageId, action === 'Reset' ? { status: 'Accepted' } : {}]))
  }
  for (const id of ['q-0', 'q-1', 'q-2', 'q-3']) strictEqual((await outcomeOf('QUEUE', id)).outcome, 'accepted')
  deepStrictEqual(
    who.received.map(({ action }) => action),
    ['Reset', 'Reset', 'GetConfiguration', 'GetConfiguration']
  )
  await who.close()
})

test('a queued command can be cancelled, a written one cannot', async () => {
  const who = await station('CANCEL', () => undefined)
  await send('CANCEL', { id: 'cancel-1' })
  await send('CANCEL', { id: 'cancel-2' })
  await heard(who, 1)
  const queued = await gateway.get('/v1/commands/cancel-2', { method: 'DELETE' })
  strictEqual(queued.status, 200)
  strictEqual((await outcomeOf('CANCEL', 'cancel-2')).reason, 'cancelled')
  const written = await gateway.get('/v1/commands/cancel-1', { method: 'DELETE' })
  strictEqual(written.status, 409)
  await who.close()
  strictEqual((await outcomeOf('CANCEL', 'cancel-1')).reason, 'disconnected')
})

test('no answer in time is unknown, and an answer that comes later is an event of its own', async () => {
  const who = await station('LATE', () => undefined)
  await send('LATE', { id: 'late-1', timeoutMs: 200 })
  const outcome = await outcomeOf('LATE', 'late-1')
  deepStrictEqual([outcome.outcome, outcome.reason], ['unknown', 'timeout'])
  who.raw(JSON.stringify([3, who.received[0]?.messageId, { status: 'Accepted' }]))
  // A CALL behind the late answer is answered once its event, and so the one before it, is on disk.
  await who.call('StatusNotification', { connectorId: 1, errorCode: 'NoError', status: 'Available' })
  const late = await gateway.events('&type=command.late_answer&chargePointId=LATE')
  deepStrictEqual(
    late.map(({ correlationid }) => correlationid),
    ['late-1']
  )
  strictEqual((await outcomeOf('LATE', 'late-1')).outcome, 'unknown')
  await who.close()
})

test('what cannot be sent says why: offline, unknown, expired, unsupported, invalid', async () => {
  const who = await station('CANNOT', () => undefined)
  await send('NEVER-SEEN', { id: 'cannot-1' })
  strictEqual((await outcomeOf('NEVER-SEEN', 'cannot-1')).reason, 'unknown_charge_point')
  await send('CANNOT', { id: 'cannot-2', data: { action: 'GetVariables', payload: {} } })
  strictEqual((await outcomeOf('CANNOT', 'cannot-2')).reason, 'unsupported')
  await send('CANNOT', { id: 'cannot-3', data: { action: 'Reset', payload: { type: 'Medium' } } })
  strictEqual((await outcomeOf('CANNOT', 'cannot-3')).reason, 'invalid')
  await send('CANNOT', { id: 'cannot-4' })
  await heard(who, 1)
  await send('CANNOT', { id: 'cannot-5', expiresAt: new Date(Date.now() + 150).toISOString() })
  strictEqual((await outcomeOf('CANNOT', 'cannot-5')).reason, 'expired')
  strictEqual(who.received.length, 1)
  await who.close()
  await gateway.events()
  await send('CANNOT', { id: 'cannot-6' })
  strictEqual((await outcomeOf('CANNOT', 'cannot-6')).reason, 'offline')
})

test('a restart settles what was open: written is unknown, queued is not_sent, and nothing is written again', async () => {
  const who = await station('RESTART', () => undefined)
  await send('RESTART', { id: 'restart-1' })
  await heard(who, 1)
  await send('RESTART', { id: 'restart-2' })
  strictEqual(await gateway.end('SIGKILL'), 'SIGKILL')
  await gateway.start()
  const again = await station('RESTART', () => undefined)
  const first = await outcomeOf('RESTART', 'restart-1')
  deepStrictEqual([first.outcome, first.reason], ['unknown', 'node_lost'])
  const second = await outcomeOf('RESTART', 'restart-2')
  deepStrictEqual([second.outcome, second.reason], ['not_sent', 'node_lost'])
  const repeated = await send('RESTART', { id: 'restart-1' }, 5)
  strictEqual((repeated.body as Command).reason, 'node_lost')
  await again.call('Heartbeat', {})
  strictEqual(again.received.length, 0)
  await again.close()
})
