import { randomUUID } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import { parseDuration } from '../../lib/duration.ts'
import { GatewayError } from '../../lib/gateway-error.ts'
import type { Io } from '../io.ts'
import { type ApiClient, apiClient, ProblemAnswer } from './api-client.ts'
import { commonUsage, readArguments, usageFault } from './arguments.ts'
import { clientCommand, forPeople, jsonLine } from './client-command.ts'
import { jsonObjectArgument } from './json-argument.ts'
import { coloured, plain } from './text.ts'

interface CommandAnswer {
  readonly id: string
  readonly chargePointId: string
  readonly type: string
  readonly state: 'queued' | 'written' | 'settled'
  readonly outcome?: string
  readonly reason?: string
  readonly detail?: string
  readonly status?: string
  readonly response?: unknown
  readonly error?: { readonly code: string; readonly description: string; readonly details: unknown }
}

const exitCodes: ReadonlyMap<string, number> = new Map([
  ['accepted', 0],
  ['rejected', 3],
  ['call_error', 3],
  ['not_sent', 4],
  ['unknown', 5]
])

/** One request waits no longer, since proxies cut what is silent for a minute. */
const waitPerRequestMs = 30_000
/** Beyond its own timeout a written command is settled at once; this is for the way. */
const settleGraceMs = 5_000
const pauseMs = 250

function example(chargePointId: string): string {
  return `send ${chargePointId} ocpp.call '{"action":"Reset","payload":{"type":"Soft"}}'`
}

/** `Reset` with its payload is short for `ocpp.call`: unified commands are in lower case. */
function commandOf(chargePointId: string, type: string, json: string | undefined): { type: string; data: unknown } {
  if (/^[A-Z]/.test(type)) {
    const payload = json === undefined ? {} : jsonObjectArgument(json, `send ${chargePointId} Reset '{"type":"Soft"}'`)
    return { type: 'ocpp.call', data: { action: type, payload } }
  }
  if (json === undefined && type === 'ocpp.call')
    throw usageFault(`ocpp.call needs its data, as in: ${example(chargePointId)}`)
  return { type, data: json === undefined ? {} : jsonObjectArgument(json, example(chargePointId)) }
}

/** One command on its way: waits for its outcome, and takes it back when it never left the queue. */
class Sending {
  readonly #api: ApiClient
  readonly #signal: AbortSignal
  readonly #path: string
  readonly #timeoutMs: number

  constructor(api: ApiClient, signal: AbortSignal, commandId: string, timeoutMs: number) {
    this.#api = api
    this.#signal = signal
    this.#path = `/v1/commands/${encodeURIComponent(commandId)}`
    this.#timeoutMs = timeoutMs
  }

  /** As it stands when it is settled, or when there is no more use in waiting. */
  async run(chargePointId: string, body: object): Promise<CommandAnswer> {
    const path = `/v1/charge-points/${encodeURIComponent(chargePointId)}/commands`
    const accepted = await this.#api.json<CommandAnswer>(path, { method: 'POST', body })
    const waited = await this.#wait(accepted, 'queued', this.#timeoutMs)
    const left = waited.state === 'queued' ? await this.#cancel() : waited
    return this.#wait(left, 'written', this.#timeoutMs + settleGraceMs)
  }

  /** Wait while it is in `state`, until it is settled, the time is over or the user asks to stop. */
  async #wait(command: CommandAnswer, state: 'queued' | 'written', forMs: number): Promise<CommandAnswer> {
    const deadline = Date.now() + forMs
    let latest = command
    while (latest.state === state && !this.#signal.aborted) {
      const startedAt = Date.now()
      if (startedAt >= deadline) return latest
      const headers = { prefer: `wait=${Math.ceil(Math.min(deadline - startedAt, waitPerRequestMs) / 1000)}` }
      try {
        latest = await this.#api.json(this.#path, { headers, signal: this.#signal })
        // Something on the way that does not let a request wait must not be asked without a pause.
        if (latest.state === state && Date.now() - startedAt < pauseMs)
          await setTimeout(pauseMs, undefined, { signal: this.#signal })
      } catch (error) {
        if (!this.#signal.aborted) throw error
      }
    }
    return latest
  }

  async #cancel(): Promise<CommandAnswer> {
    try {
      return await this.#api.json(this.#path, { method: 'DELETE' })
    } catch (error) {
      // It was written or settled a moment ago: how it stands is in the answer.
      if (error instanceof ProblemAnswer && error.problem.command) return error.problem.command as CommandAnswer
      throw error
    }
  }
}

function whatToDo({ chargePointId, outcome, reason }: CommandAnswer): string | undefined {
  if (reason === 'offline')
    return `${plain(chargePointId)} is not connected. \`connections ${plain(chargePointId)}\` says since when and why; send it again when it is back.`
  if (reason === 'unknown_charge_point')
    return `${plain(chargePointId)} was never seen here. \`connections --all\` lists the ids that were; their case matters.`
  if (reason === 'cancelled') return 'It was still in the queue and was taken back.'
  if (outcome === 'unknown') return 'It may have been carried out: look at the charge point before you send it again.'
  return undefined
}

function describe(command: CommandAnswer, name: string, io: Io): string {
  const { outcome = '', reason, detail, status, response, error } = command
  const colour = outcome === 'accepted' ? 'green' : outcome === 'unknown' ? 'yellow' : 'red'
  const word = reason ?? error?.code ?? status
  const verdict = coloured(io, colour, plain(word === undefined ? outcome : `${outcome}: ${word}`))
  const said = (error ? [error.description, error.details] : [response])
    .filter((one) => one !== undefined && one !== '')
    .map((one) => (typeof one === 'string' ? one : JSON.stringify(one)))
  const advice = [detail, whatToDo(command)].filter((one) => one !== undefined)
  const lines = [`${plain(command.chargePointId)}  ${plain(name)}  ${verdict}`, ...[...said, ...advice].map(plain)]
  return lines.map((line) => `${line}\n`).join('')
}

export const send = clientCommand({
  summary: 'Send a command to a charge point and wait for its outcome.',
  usage: `
Usage: charge-point-gateway send ID TYPE [JSON] [OPTIONS]

  ID                   charge point
  TYPE                 a command, \`ocpp.call\`, or the name of an OCPP action such as Reset
  JSON                 data of the command; for an action its payload
  --timeout 30s        time for the charge point to answer; what still waits in the queue after it is taken back
  --id ID              command id, so that a repeated call is the same command; made when absent${commonUsage}

  send CP-001 Reset '{"type":"Soft"}'
  ${example('CP-001')}

Exit codes: 0 accepted, 3 rejected or call_error, 4 not_sent, 5 unknown; 1 failed, 2 wrong usage.`,
  async run(argv, io) {
    const args = readArguments(argv, { timeout: { type: 'string' }, id: { type: 'string' } }, 3)
    const [chargePointId, type, json] = args.positionals
    if (chargePointId === undefined || type === undefined)
      throw usageFault(`send needs a charge point and a command, as in: ${example(chargePointId ?? 'CP-001')}`)
    const timeoutMs = parseDuration(args.text('timeout') ?? '30s')
    if (timeoutMs === undefined || timeoutMs < 1)
      throw usageFault(`--timeout ${args.text('timeout')} is no duration; it is like 30s or 2m`)
    const body = { id: args.text('id') ?? `cli-${randomUUID()}`, ...commandOf(chargePointId, type, json), timeoutMs }
    const sending = new Sending(apiClient(args, io), io.signal, body.id, timeoutMs)
    const command = await sending.run(chargePointId, body)
    if (command.state !== 'settled')
      throw new GatewayError(
        'no_outcome',
        `No outcome of command ${body.id} yet; \`events --type command.outcome\` will show it.`
      )
    io.out(forPeople(io, args.flag('json')) ? describe(command, type, io) : jsonLine(command))
    return exitCodes.get(command.outcome ?? '') ?? 1
  }
})
