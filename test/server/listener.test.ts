import { deepStrictEqual } from 'node:assert'
import type { Server } from 'node:http'
import { test } from 'node:test'
import { listen } from '../../src/server/listener.ts'
import { testSettings } from './fakes.ts'

test('the backlog and the address are what the system is asked for', async () => {
  const asked: unknown[] = []
  const server = {
    once: () => server,
    removeListener: () => server,
    address: () => ({ address: '127.0.0.1', port: 8080 }),
    listen: (options: unknown, done: () => void) => {
      asked.push(options)
      done()
    }
  }
  await listen(server as unknown as Server, { ...testSettings, host: '127.0.0.1', port: 0, backlog: 77 })
  deepStrictEqual(asked, [{ host: '127.0.0.1', port: 0, backlog: 77 }])
})
