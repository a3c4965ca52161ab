import type { Io } from '../io.ts'
import { type ApiClient, apiClient } from './api-client.ts'
import { commonUsage, readArguments } from './arguments.ts'
import { clientCommand, forPeople, jsonLine } from './client-command.ts'
import { ago, coloured, plain, table } from './text.ts'

interface ChargePoint {
  readonly id: string
  readonly connected: boolean
  readonly version: string
  readonly vendor?: string
  readonly model?: string
  readonly firmware?: string
  readonly node?: string
  readonly epoch: number
  readonly connectedAt?: string
  readonly lastSeenAt?: string
  readonly remoteAddress?: string
  readonly queuedCalls?: number
  readonly registration?: { readonly status: string }
  readonly lastDisconnect?: { readonly at: string; readonly reason: string; readonly text: string }
}

interface ChargePointWithHistory extends ChargePoint {
  readonly connections: readonly {
    readonly epoch: number
    readonly version: string
    readonly node: string
    readonly remoteAddress: string
    readonly connectedAt: string
    readonly disconnectedAt?: string
    readonly reason?: string
    readonly reasonText?: string
  }[]
}

async function* chargePoints(api: ApiClient, all: boolean): AsyncGenerator<ChargePoint> {
  let after: string | undefined
  do {
    const query = new URLSearchParams({
      ...(all ? {} : { connected: 'true' }),
      ...(after === undefined ? {} : { after })
    })
    const page: { chargePoints: ChargePoint[]; next?: string } = await api.json(`/v1/charge-points?${query}`)
    yield* page.chargePoints
    after = page.next
  } while (after !== undefined)
}

function row(one: ChargePoint, nowMs: number): string[] {
  const since = (time: string | undefined): string => (time === undefined ? '' : ago(nowMs, time))
  return [
    one.id,
    one.connected ? 'connected' : 'away',
    one.version,
    [one.vendor, one.model].filter((part) => part !== undefined).join(' '),
    one.firmware ?? '',
    one.registration?.status ?? '',
    since(one.connectedAt),
    since(one.connected ? one.lastSeenAt : one.lastDisconnect?.at),
    one.queuedCalls ? String(one.queuedCalls) : '',
    one.remoteAddress ?? ''
  ]
}

const head = ['ID', 'STATE', 'OCPP', 'MODEL', 'FIRMWARE', 'BOOT', 'SINCE', 'LAST SEEN', 'QUEUED', 'ADDRESS']

async function list(api: ApiClient, io: Io, all: boolean, people: boolean): Promise<void> {
  if (!people) {
    for await (const one of chargePoints(api, all)) io.out(jsonLine(one))
    return
  }
  const found: ChargePoint[] = []
  for await (const one of chargePoints(api, all)) found.push(one)
  if (found.length === 0) {
    io.out(
      all
        ? 'No charge point was ever seen. They connect to ws://HOST:8080/ocpp/{charge point id}.\n'
        : 'No charge point is connected. --all lists those that were seen before.\n'
    )
    return
  }
  const nowMs = Date.now()
  const [title = '', ...lines] = table(
    head,
    found.map((one) => row(one, nowMs)),
    io.columns
  )
  io.out(`${coloured(io, 'bold', title)}\n${lines.map((line) => `${line}\n`).join('')}`)
  io.out(coloured(io, 'dim', `${found.filter(({ connected }) => connected).length} connected\n`))
}

function describe(one: ChargePointWithHistory, io: Io): string {
  const nowMs = Date.now()
  const state = one.connected
    ? coloured(io, 'green', `connected for ${ago(nowMs, one.connectedAt ?? '')}`)
    : coloured(
        io,
        'yellow',
        one.lastDisconnect ? `away for ${ago(nowMs, one.lastDisconnect.at)}: ${plain(one.lastDisconnect.text)}` : 'away'
      )
  const facts: [string, string | undefined][] = [
    ['ocpp', one.version],
    ['model', [one.vendor, one.model].filter((part) => part !== undefined).join(' ') || undefined],
    ['firmware', one.firmware],
    ['registration', one.registration?.status],
    ['address', one.remoteAddress],
    ['last seen', one.lastSeenAt && `${ago(nowMs, one.lastSeenAt)} ago`],
    ['queued calls', one.queuedCalls === undefined ? undefined : String(one.queuedCalls)],
    ['node', one.node],
    ['epoch', String(one.epoch)]
  ]
  const told = facts.flatMap(([name, value]) => (value === undefined ? [] : [`  ${name.padEnd(14)}${plain(value)}`]))
  return [`${coloured(io, 'bold', plain(one.id))}  ${state}`, ...told, '', ...history(one, nowMs, io), ''].join('\n')
}

/** Times as they are, or where they would have to be cut, how long ago. */
function history({ connections }: ChargePointWithHistory, nowMs: number, io: Io): string[] {
  const lines = (told: (time: string) => string): string[] =>
    table(
      ['CONNECTED', 'ENDED', 'OCPP', 'ADDRESS', 'WHY IT ENDED'],
      connections.map((each) => [
        told(each.connectedAt),
        each.disconnectedAt === undefined ? '' : told(each.disconnectedAt),
        each.version,
        each.remoteAddress,
        each.reason === undefined ? '' : `${each.reason}: ${each.reasonText ?? ''}`
      ]),
      io.columns
    )
  const whole = lines((time) => time)
  const isWhole = connections.every(
    ({ connectedAt, disconnectedAt = '' }, i) =>
      whole[i + 1]?.includes(connectedAt) && whole[i + 1]?.includes(disconnectedAt)
  )
  return isWhole ? whole : lines((time) => `${ago(nowMs, time)} ago`)
}

export const connections = clientCommand({
  summary: 'List connected charge points, or show one and why it left.',
  usage: `
Usage: charge-point-gateway connections [ID] [OPTIONS]

  ID                   one charge point, with its recent connections and why each ended
  --all                also those that are not connected now${commonUsage}`,
  async run(argv, io) {
    const args = readArguments(argv, { all: { type: 'boolean' } }, 1)
    const api = apiClient(args, io)
    const people = forPeople(io, args.flag('json'))
    const [id] = args.positionals
    if (id === undefined) {
      await list(api, io, args.flag('all'), people)
      return 0
    }
    const one: ChargePointWithHistory = await api.json(`/v1/charge-points/${encodeURIComponent(id)}`)
    io.out(people ? describe(one, io) : jsonLine(one))
    return 0
  }
})
