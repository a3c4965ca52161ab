import { deepStrictEqual, match, rejects, strictEqual } from 'node:assert'
import { test } from 'node:test'
import type { RunningGateway, StartIo } from '../../src/app/compose.ts'
import { serveUntilStopped, startText } from '../../src/cli/serve.ts'
import { loadConfig } from '../../src/config/load.ts'
import type { Config } from '../../src/config/schema.ts'
import { GatewayError } from '../../src/lib/gateway-error.ts'
import { fakeIo } from './fake-io.ts'

function configOf(...argv: string[]): Config {
  const missing = (file: string): never => {
    throw Object.assign(new Error(file), { code: 'ENOENT' })
  }
  const loaded = loadConfig({ argv, env: {}, hostName: 'gw-0', readFile: missing })
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.faults))
  return loaded.config
}

function gatewayThat(stop: () => Promise<void>): RunningGateway {
  return { chargePoints: { host: '0.0.0.0', port: 8080 }, api: { host: '::1', port: 8081 }, dataDir: '/var/cpg', stop }
}

test('a start tells a person in plain words where it listens and where its data is', () => {
  const text = startText(
    gatewayThat(async () => undefined),
    configOf(),
    '1.2.3',
    true
  )
  match(text, /ws:\/\/0\.0\.0\.0:8080\/ocpp\/\{charge point id\}/)
  match(text, /http:\/\/\[::1\]:8081 /)
  match(text, /\/var\/cpg$/m)
})

test('a start tells a program the same in one line of JSON; log.format overrides the guess', () => {
  const gateway = gatewayThat(async () => undefined)
  const { time, ...rest } = JSON.parse(startText(gateway, configOf(), '1.2.3', false))
  match(time, /^\d{4}-/)
  deepStrictEqual(rest, {
    level: 'info',
    msg: 'listening',
    node: 'gw-0',
    version: '1.2.3',
    chargePoints: 'ws://0.0.0.0:8080/ocpp',
    api: 'http://[::1]:8081',
    dataDir: '/var/cpg'
  })
  match(startText(gateway, configOf('--log.format', 'json'), '1.2.3', true), /^\{/)
  match(startText(gateway, configOf('--log.format', 'text'), '1.2.3', false), /is running/)
})

test('it runs until the signal, then stops the gateway and exits 0', async () => {
  const io = fakeIo()
  let stops = 0
  const given: StartIo[] = []
  const running = serveUntilStopped(configOf(), ['a notice'], io, async (_config, startIo) => {
    given.push(startIo)
    return gatewayThat(async () => {
      stops++
    })
  })
  let ended = false
  void running.then(() => {
    ended = true
  })
  await new Promise(setImmediate)
  strictEqual(ended, false)
  strictEqual(stops, 0)
  io.stop()
  strictEqual(await running, 0)
  strictEqual(stops, 1)
  deepStrictEqual(given[0]?.notices, ['a notice'])
})

test('a signal during the start stops the gateway as soon as it has started', async () => {
  const io = fakeIo()
  const { promise, resolve } = Promise.withResolvers<RunningGateway>()
  let stops = 0
  const running = serveUntilStopped(configOf(), [], io, () => promise)
  io.stop()
  resolve(
    gatewayThat(async () => {
      stops++
    })
  )
  strictEqual(await running, 0)
  strictEqual(stops, 1)
})

test('a stop that hangs beyond shutdown.deadline ends with exit code 1 and says so', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const io = fakeIo()
  io.stop()
  const { promise: stopping, resolve: stopBegan } = Promise.withResolvers<void>()
  const running = serveUntilStopped(configOf('--shutdown.deadline', '5s'), [], io, async () =>
    gatewayThat(() => {
      stopBegan()
      return new Promise(() => undefined)
    })
  )
  await stopping
  await new Promise(setImmediate)
  t.mock.timers.tick(60_000)
  strictEqual(await running, 1)
  match(io.said.err, /shutdown\.deadline/)
})

test('a start or stop that fails is passed on, to be explained', async () => {
  const failed = new GatewayError('port_taken', 'port 8080 is taken: set server.port')
  await rejects(
    serveUntilStopped(configOf(), [], fakeIo(), () => Promise.reject(failed)),
    failed
  )
  const io = fakeIo()
  io.stop()
  await rejects(
    serveUntilStopped(configOf(), [], io, async () => gatewayThat(() => Promise.reject(failed))),
    failed
  )
})
