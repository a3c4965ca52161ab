import { deepStrictEqual, ok } from 'node:assert'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse } from 'yaml'
import { eventsTopicBytes, oldestRecordMs } from '../src/config/kafka-topics.ts'
import { loadConfig } from '../src/config/load.ts'

interface Service {
  readonly ports?: readonly string[]
  readonly command?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly stop_grace_period?: string
}

const compose = parse(readFileSync('compose.yaml', 'utf8'), { merge: true }) as {
  readonly services: Readonly<Record<string, Service>>
}

function defaults() {
  const loaded = loadConfig({ argv: [], env: {}, hostName: 'gw-host', readFile: () => '' })
  ok(loaded.ok)
  return loaded.config
}

/** What `deploy/create-topics.sh` asks of Kafka's tool, a line a topic. */
function topicCalls(): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'cpg-compose-'))
  const tool = join(folder, 'kafka-topics')
  writeFileSync(tool, '#!/bin/sh\necho "$@"\n', { mode: 0o755 })
  try {
    const args = ['deploy/create-topics.sh', ...(compose.services.topics?.command ?? [])]
    return execFileSync('bash', args, { env: { ...process.env, KAFKA_TOPICS: tool } })
      .toString()
      .trim()
      .split('\n')
  } finally {
    rmSync(folder, { recursive: true })
  }
}

test('compose.yaml makes the topics that a gateway expects, and commands that come back for no longer than they are remembered', () => {
  const { kafka, limits, server } = defaults()
  const calls = topicCalls()
  deepStrictEqual(
    calls.map((call) => /--topic (\S+)/.exec(call)?.[1]),
    [kafka.eventsTopic, kafka.commandsTopic, kafka.deadLetterTopic]
  )
  for (const call of calls) ok(call.includes('--replication-factor 3') && call.includes('min.insync.replicas=2'), call)
  const setting = (topic: number, name: string) => Number(new RegExp(`${name}=(\\d+)`).exec(calls[topic] ?? '')?.[1])
  const times = { retentionMs: setting(1, 'retention\\.ms'), segmentMs: setting(1, 'segment\\.ms') }
  ok(oldestRecordMs(times) <= limits.commandMemoryMs, JSON.stringify(times))
  ok(setting(0, 'max\\.message\\.bytes') >= eventsTopicBytes(server.payloadBytesMax))
})

test('its gateways differ in node.id, and are given longer to stop than they take', () => {
  const gateways = Object.entries(compose.services).filter(([name]) => name.startsWith('gateway-'))
  deepStrictEqual(gateways.length, 3)
  deepStrictEqual(new Set(gateways.map(([, { environment }]) => environment?.CPG_NODE_ID)).size, 3)
  for (const [, service] of gateways)
    ok(Number.parseInt(service.stop_grace_period ?? '0', 10) * 1_000 > defaults().shutdown.deadlineMs)
})

// Behind this balancer every `remoteAddress` was its own: it wrote the header, and no gateway looked at it.
test('its gateways believe its load balancer, which nobody can go around, and which lets no client write the header', () => {
  const gateways = Object.entries(compose.services).filter(([name]) => name.startsWith('gateway-'))
  for (const [name, { environment, ports }] of gateways) {
    const env = { ...environment, CPG_API_TOKENS: 'a-token' }
    const loaded = loadConfig({ argv: [], env, hostName: name, readFile: () => '' })
    ok(loaded.ok, JSON.stringify(loaded))
    ok(loaded.config.server.trustedProxies.length > 0)
    deepStrictEqual(ports, undefined)
  }
  const sections = readFileSync('deploy/haproxy.cfg', 'utf8').split(/^(?=\S)/m)
  const settings = sections.find((section) => section.startsWith('backend gateways\n')) ?? ''
  ok(/^ {2}http-request set-header X-Forwarded-For %\[src\]$/m.test(settings), settings)
  ok(!/^ {2}option forwardfor/m.test(settings))
})
