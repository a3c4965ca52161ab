import type { AddressInfo } from 'node:net'
import { WebSocketServer } from 'ws'

// The baseline: one socket library, one JSON.parse and one answer. It keeps nothing and promises nothing.
const server = new WebSocketServer({
  host: '127.0.0.1',
  port: 0,
  perMessageDeflate: false,
  handleProtocols: (offered) => [...offered][0] ?? false
})
server.on('connection', (socket) => {
  socket.on('message', (data) => {
    const frame: unknown = JSON.parse(String(data))
    if (Array.isArray(frame) && frame[0] === 2) socket.send(JSON.stringify([3, frame[1], {}]))
  })
})
server.on('listening', () => {
  const { port } = server.address() as AddressInfo
  console.log(JSON.stringify({ chargePoints: `ws://127.0.0.1:${port}/ocpp` }))
})
process.on('SIGTERM', () => process.exit(0))
