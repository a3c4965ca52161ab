import { setTimeout as delay } from 'node:timers/promises'
import { WebSocket } from 'ws'
import { serveParent } from './child.ts'
import type { LoadReport, LoadRequest, OpenRequest } from './load.ts'

// A process of charge points: connects them, lets them talk in a closed loop or at a rate, and reports over IPC.

const sockets: Socket[] = []

interface Socket {
  readonly ws: WebSocket
  sentAtMs: number
  answered: number
  open: boolean
}

const meterValues = {
  connectorId: 1,
  transactionId: undefined,
  meterValue: [
    {
      timestamp: '2026-11-23T10:00:00.000Z',
      sampledValue: [
        { value: '16.1', measurand: 'Energy.Active.Import.Register', unit: 'kWh', context: 'Sample.Periodic' },
        { value: '7200', measurand: 'Power.Active.Import', unit: 'W' },
        { value: '31.2', measurand: 'Current.Import', unit: 'A', phase: 'L1' }
      ]
    }
  ]
}
const handshakeTimeoutMs = 30_000
const retryMs = 1_000
const body = `,"MeterValues",${JSON.stringify(meterValues)}]`
let nextId = 0
let dials = 0
let running = false
let latenciesMs: number[] = []
let failedAttempts = 0
let onAnswer: (socket: Socket) => void = () => {}

function sendMeterValues(socket: Socket): void {
  socket.open = true
  socket.sentAtMs = performance.now()
  socket.ws.send(`[2,"${process.pid}-${++nextId}"${body}`)
}

function connect({ url, localAddresses = [] }: OpenRequest, id: string): Promise<Socket> {
  const localAddress = localAddresses[dials++ % localAddresses.length]
  return new Promise((resolve, reject) => {
    const ws = new WebSocket(`${url}/${id}`, 'ocpp1.6', {
      perMessageDeflate: false,
      handshakeTimeout: handshakeTimeoutMs,
      ...(localAddress === undefined ? {} : { localAddress })
    })
    const socket: Socket = { ws, sentAtMs: 0, answered: 0, open: false }
    ws.on('error', reject)
    let isAccepted = false
    ws.once('close', (code) => {
      // No suite closes the connection of somebody who was accepted, so the figures would be those of something else.
      if (isAccepted) throw new Error(`${id} was closed with ${code}`)
      reject(new Error(`closed with ${code} before the boot was answered`))
    })
    ws.once('open', () =>
      ws.send('[2,"boot","BootNotification",{"chargePointVendor":"Bench","chargePointModel":"One"}]')
    )
    ws.on('message', (data) => {
      const text = String(data)
      if (text.startsWith('[3,"boot"')) {
        // The bare server answers nothing but `{}`.
        if (/"status":"(?!Accepted")/.test(text)) throw new Error(`not accepted: ${text}`)
        isAccepted = true
        return resolve(socket)
      }
      if (!text.startsWith('[3,')) throw new Error(`unexpected answer: ${text.slice(0, 200)}`)
      socket.open = false
      socket.answered++
      latenciesMs.push(performance.now() - socket.sentAtMs)
      onAnswer(socket)
    })
  })
}

/** As a charge point does it: when it fails, again after a moment. */
async function connectAtLast(request: OpenRequest, id: string): Promise<Socket> {
  const beganMs = performance.now()
  for (let attempt = 1; ; attempt++) {
    try {
      const socket = await connect(request, id)
      latenciesMs.push(performance.now() - beganMs)
      return socket
    } catch (error) {
      failedAttempts++
      if (attempt >= (request.attemptsMax ?? 1)) throw error
      await delay(retryMs * (0.5 + Math.random()))
    }
  }
}

async function open(request: OpenRequest): Promise<LoadReport> {
  const { connections, prefix, inFlight = 50 } = request
  const beganMs = performance.now()
  latenciesMs = []
  failedAttempts = 0
  let next = sockets.length
  const end = next + connections
  const connectOneByOne = async () => {
    while (next < end) sockets.push(await connectAtLast(request, `${prefix}-${next++}`))
  }
  await Promise.all(Array.from({ length: inFlight }, connectOneByOne))
  return report(performance.now() - beganMs)
}

async function talk({ durationMs, perSecond }: Extract<LoadRequest, { kind: 'talk' }>): Promise<LoadReport> {
  running = true
  latenciesMs = []
  const beganMs = performance.now()
  if (perSecond === undefined) {
    onAnswer = (socket) => running && sendMeterValues(socket)
    for (const socket of sockets) sendMeterValues(socket)
  } else {
    onAnswer = () => {}
    pace(perSecond, beganMs)
  }
  await new Promise((resolve) => setTimeout(resolve, durationMs))
  running = false
  const tookMs = performance.now() - beganMs
  while (sockets.some((socket) => socket.open)) await new Promise((resolve) => setTimeout(resolve, 5))
  return report(tookMs)
}

/** Sends what is due every few milliseconds, each time from the next socket that has no CALL open. */
function pace(perSecond: number, beganMs: number): void {
  let sent = 0
  let next = 0
  const timer = setInterval(() => {
    if (!running) return clearInterval(timer)
    const due = Math.floor(((performance.now() - beganMs) * perSecond) / 1000)
    for (let tried = 0; sent < due && tried < sockets.length; tried++) {
      const socket = sockets[next++ % sockets.length]
      if (!socket || socket.open) continue
      sendMeterValues(socket)
      sent++
    }
  }, 2)
}

function report(tookMs: number): LoadReport {
  const sorted = latenciesMs.toSorted((a, b) => a - b)
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
  return {
    connections: sockets.length,
    answered: sorted.length,
    tookMs,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    failedAttempts
  }
}

serveParent<LoadRequest, LoadReport>((request) => (request.kind === 'open' ? open(request) : talk(request)))
