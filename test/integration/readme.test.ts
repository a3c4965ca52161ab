import { deepStrictEqual, ok, strictEqual } from 'node:assert'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { configOf } from '../support/gateway-in-process.ts'
import { GatewayProcess } from '../support/gateway-process.ts'

// The first minute with the gateway, as the README tells it: its commands are run, on other ports.

const readme = readFileSync('README.md', 'utf8')
const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as {
  readonly scripts: { readonly start: string; readonly demo: string }
}
const minute = /## A first charge point in 60 seconds\n(.*?)\n## /s.exec(readme)?.[1] ?? ''

interface Request {
  readonly url: string
  readonly init: { readonly method: string; readonly headers: Record<string, string>; readonly body?: string }
}

/** The `curl` commands of a text, as requests to `api`. */
function curls(text: string, api: string): Request[] {
  const lines = text.replaceAll(/\\\n\s*/g, '').split('\n')
  return lines
    .filter((line) => line.startsWith('curl '))
    .map((line) => {
      const url = /\bhttp:\S+/.exec(line)?.[0] ?? ''
      ok(url.startsWith('http://127.0.0.1:8081/'), line)
      const body = / -d '([^']*)'/.exec(line)?.[1]
      const headers = [...line.matchAll(/ -H '([^:']+): ([^']*)'/g)].map(([, name = '', value = '']) => [name, value])
      return {
        url: url.replace('http://127.0.0.1:8081', api),
        init: {
          method: / -X (\w+)/.exec(line)?.[1] ?? 'GET',
          headers: Object.fromEntries(headers),
          ...(body === undefined ? {} : { body })
        }
      }
    })
}

test('the ports and the scripts that the README names are those of the gateway', () => {
  const { server, api } = configOf({})
  deepStrictEqual([server.port, server.path, api.host, api.port], [8080, '/ocpp', '127.0.0.1', 8081])
  ok(readme.includes('charge points on port 8080, API on 127.0.0.1:8081'))
  ok(minute.includes('npm run demo') && readme.includes('npm start'))
  strictEqual(scripts.start, 'node src/cli/main.ts serve')
})

test('the first minute of the README is as it says: the demo charges, its events are there, a command is accepted', async () => {
  const gateway = new GatewayProcess(['--log.level', 'error'])
  await gateway.start()
  const [node = '', ...argv] = scripts.demo.split(' ')
  strictEqual(node, 'node')
  const demo = spawn(process.execPath, [...argv, 'CP-001', gateway.url], { stdio: ['ignore', 'pipe', 'inherit'] })
  try {
    const said: string[] = []
    for await (const line of createInterface({ input: demo.stdout })) {
      said.push(line)
      if (line.startsWith('Charged 300 Wh')) break
    }
    ok(said.at(-1)?.startsWith('Charged 300 Wh'), said.join('\n'))
    // A pipe that nobody reads any more would fill up.
    demo.stdout.resume()

    const answers: unknown[] = []
    for (const { url, init } of curls(minute, gateway.api)) {
      const response = await fetch(url, init)
      ok(response.ok, `${init.method} ${url} is answered with ${response.status}`)
      answers.push(await response.json())
    }
    strictEqual(answers.length, 3, 'the README has three commands')
    const [page, chargePoint, command] = answers as [
      { events: { type: string; data: { energyWh?: number } }[] },
      { id: string; connected: boolean },
      { outcome?: string }
    ]
    const ended = page.events.find(({ type }) => type === 'transaction.ended')
    strictEqual(ended?.data.energyWh, 300)
    deepStrictEqual([chargePoint.id, chargePoint.connected], ['CP-001', true])
    strictEqual(command.outcome, 'accepted')
  } finally {
    const gone = demo.exitCode === null ? once(demo, 'exit') : undefined
    demo.kill()
    await gone
    await gateway.remove()
  }
})
