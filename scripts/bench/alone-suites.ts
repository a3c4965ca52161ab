import { type LoadProcess, startLoad } from './load.ts'
import { medianOf } from './median.ts'
import { type ServerProcess, startBareServer, startGatewayServer } from './server-process.ts'

export interface MessageFigure {
  readonly server: string
  readonly load: string
  readonly cpuUs: number
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
}
export interface IdleFigure {
  readonly server: string
  readonly kibPerConnection: number
}
export interface BenchOptions {
  readonly rounds: number
  readonly secondsPerRound: number
  readonly connections: number
  readonly progress: (line: string) => void
}

interface Pair {
  readonly server: ServerProcess
  readonly load: LoadProcess
}

async function pair(server: ServerProcess, connections: number): Promise<Pair> {
  const load = startLoad()
  await load.ask({ kind: 'open', url: server.url, connections, prefix: 'BENCH' })
  await untilQuiet(server)
  return { server, load }
}

/** After the start the gateway compiles what the first messages did not need; until then a round would measure that. */
async function untilQuiet(server: ServerProcess): Promise<void> {
  const periodMs = 500
  for (let tried = 0; tried < 120; tried++) {
    const before = server.cpuSeconds()
    await new Promise((resolve) => setTimeout(resolve, periodMs))
    if (server.cpuSeconds() - before <= 0.02) return
  }
  throw new Error(`${server.name} does not come to rest`)
}

/** CPU time per MeterValues of the whole path beside the bare server, in interleaved rounds of the same run. */
export async function measureMessages(options: BenchOptions): Promise<readonly MessageFigure[]> {
  const pairs = [
    await pair(await startBareServer(), options.connections),
    await pair(await startGatewayServer(), options.connections)
  ]
  const loads: readonly { name: string; perSecond?: number }[] = [
    { name: 'saturation' },
    { name: '2,000/s', perSecond: 2000 }
  ]
  const figures: MessageFigure[] = []
  for (const { name, perSecond } of loads) {
    const samples = pairs.map(() => [] as MessageFigure[])
    for (let round = 0; round <= options.rounds; round++) {
      for (const [index, { server, load }] of pairs.entries()) {
        const sample = await measureRound({ server, load }, name, perSecond, options.secondsPerRound)
        // The first round warms up: the compilers, the caches, the file.
        if (round > 0) samples[index]?.push(sample)
        options.progress(
          `${name} ${server.name} round ${round}: ${sample.cpuUs.toFixed(1)} us, ${Math.round(sample.perSecond)}/s`
        )
      }
    }
    figures.push(...samples.map(median))
  }
  await checkCount(pairs)
  for (const { server, load } of pairs) {
    await load.stop()
    await server.stop()
  }
  return figures
}

async function measureRound(
  { server, load }: Pair,
  name: string,
  perSecond: number | undefined,
  seconds: number
): Promise<MessageFigure> {
  const before = server.cpuSeconds()
  const report = await load.ask({
    kind: 'talk',
    durationMs: seconds * 1000,
    ...(perSecond === undefined ? {} : { perSecond })
  })
  const cpu = server.cpuSeconds() - before
  answered.set(server, (answered.get(server) ?? 0) + report.answered)
  return {
    server: server.name,
    load: name,
    cpuUs: (cpu * 1e6) / report.answered,
    perSecond: (report.answered * 1000) / report.tookMs,
    p50Ms: report.p50Ms,
    p99Ms: report.p99Ms
  }
}

/** How many MeterValues each server has answered, over all rounds. */
const answered = new Map<ServerProcess, number>()

/** A load test that only looks at answers can run green while nothing is published (B5): answered = in the log. */
async function checkCount(pairs: readonly Pair[]): Promise<void> {
  for (const { server } of pairs) {
    if (!server.apiUrl) continue
    const metrics = await (await fetch(`${server.apiUrl}/metrics`)).text()
    const events = Number(/^cpg_events_total (\d+)/m.exec(metrics)?.[1] ?? 0)
    const connections = Number(/^cpg_connections\{version="1.6"\} (\d+)/m.exec(metrics)?.[1] ?? 0)
    // Each connection made two more: charge_point.connected and charge_point.booted.
    const expected = (answered.get(server) ?? 0) + 2 * connections
    if (events !== expected)
      throw new Error(`${server.name} answered ${expected} messages with events but logged ${events}`)
  }
}

/** Resident memory per idle connection: the slope from `from` to `to` connections, beside the bare server. */
export async function measureIdle(
  from: number,
  to: number,
  progress: (line: string) => void
): Promise<readonly IdleFigure[]> {
  const figures: IdleFigure[] = []
  for (const begin of [startBareServer, startGatewayServer]) {
    const server = await begin()
    const load = startLoad()
    await load.ask({ kind: 'open', url: server.url, connections: from, prefix: 'IDLE' })
    await untilQuiet(server)
    const low = await settledBytes(server)
    await load.ask({ kind: 'open', url: server.url, connections: to - from, prefix: 'IDLE' })
    const high = await settledBytes(server)
    figures.push({ server: server.name, kibPerConnection: (high - low) / 1024 / (to - from) })
    progress(
      `idle ${server.name}: ${Math.round(low / 2 ** 20)} MiB at ${from}, ${Math.round(high / 2 ** 20)} MiB at ${to} connections`
    )
    await load.stop()
    await server.stop()
  }
  return figures
}

/** The lowest of several readings: the collector needs a moment after the last handshake. */
async function settledBytes(server: ServerProcess): Promise<number> {
  let lowest = Number.POSITIVE_INFINITY
  for (let reading = 0; reading < 10; reading++) {
    await new Promise((resolve) => setTimeout(resolve, 500))
    lowest = Math.min(lowest, server.residentBytes())
  }
  return lowest
}

/** From spawn to listening, medians of several starts. On a busy machine the CPU time says more. */
export async function measureStart(rounds: number): Promise<{ readonly wallMs: number; readonly cpuMs: number }> {
  const wall: number[] = []
  const cpu: number[] = []
  for (let round = 0; round < rounds; round++) {
    const server = await startGatewayServer()
    wall.push(server.listenMs)
    cpu.push(server.cpuSeconds() * 1000)
    await server.stop()
  }
  return { wallMs: medianOf(wall), cpuMs: medianOf(cpu) }
}

function median(samples: readonly MessageFigure[]): MessageFigure {
  const [first] = samples
  if (!first) throw new Error('a bench needs at least one round')
  const of = (member: 'cpuUs' | 'perSecond' | 'p50Ms' | 'p99Ms') => medianOf(samples.map((sample) => sample[member]))
  return {
    server: first.server,
    load: first.load,
    cpuUs: of('cpuUs'),
    perSecond: of('perSecond'),
    p50Ms: of('p50Ms'),
    p99Ms: of('p99Ms')
  }
}
