/**
 * `npm run demo [-- ID [URL]]`: one OCPP 1.6 charge point that boots, charges once and then waits for commands, each of which
 * it accepts. It prints every frame, so that one sees what the gateway answers.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { WebSocket } from 'ws'

const [chargePointId = 'CP-001', url = 'ws://127.0.0.1:8080/ocpp'] = process.argv.slice(2)
const socket = new WebSocket(`${url}/${encodeURIComponent(chargePointId)}`, 'ocpp1.6')
const waiting = new Map<string, (response: Record<string, unknown>) => void>()
let calls = 0

socket.on('message', (data) => {
  const text = String(data)
  console.log(`<- ${text}`)
  const [type, id, payload] = JSON.parse(text) as [number, string, Record<string, unknown>]
  if (type === 2) send([3, id, { status: 'Accepted' }])
  if (type === 3) waiting.get(id)?.(payload)
})
socket.on('unexpected-response', (_request, response) => end(1, `refused with HTTP ${response.statusCode}`))
socket.on('error', (error) => end(1, `no connection to ${url} (${error.message}): npm start runs a gateway`))
socket.on('close', (code, reason) => end(0, `closed: ${code} ${reason}`))
socket.on('open', () => void charge())
process.on('SIGINT', () => socket.close(1000))

function end(code: number, why: string): void {
  console.log(why)
  process.exit(code)
}

function send(frame: readonly unknown[]): void {
  const text = JSON.stringify(frame)
  console.log(`-> ${text}`)
  socket.send(text)
}

function call(action: string, payload: Readonly<Record<string, unknown>>): Promise<Record<string, unknown>> {
  calls += 1
  const id = `demo-${calls}`
  return new Promise((resolve) => {
    waiting.set(id, resolve)
    send([2, id, action, payload])
  })
}

async function charge(): Promise<void> {
  const now = (): string => new Date().toISOString()
  const status = (name: string) =>
    call('StatusNotification', { connectorId: 1, errorCode: 'NoError', status: name, timestamp: now() })
  const boot = await call('BootNotification', { chargePointVendor: 'Demo', chargePointModel: 'One' })
  if (boot.status !== 'Accepted') end(1, 'the gateway did not accept this charge point')
  await status('Available')
  await call('Authorize', { idTag: 'DEMO-TAG' })
  const start = { connectorId: 1, idTag: 'DEMO-TAG', meterStart: 1000, timestamp: now() }
  const { transactionId } = await call('StartTransaction', start)
  await status('Charging')
  for (const kWh of ['1.1', '1.2', '1.3']) {
    await sleep(500)
    const sampledValue = [{ value: kWh, unit: 'kWh', measurand: 'Energy.Active.Import.Register' }]
    await call('MeterValues', { connectorId: 1, transactionId, meterValue: [{ timestamp: now(), sampledValue }] })
  }
  await call('StopTransaction', {
    transactionId,
    idTag: 'DEMO-TAG',
    meterStop: 1300,
    timestamp: now(),
    reason: 'Local'
  })
  await status('Available')
  console.log('Charged 300 Wh. Waiting for commands; Ctrl-C ends.')
}
