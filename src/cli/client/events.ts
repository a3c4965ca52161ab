import { setTimeout } from 'node:timers/promises'
import { GatewayError } from '../../lib/gateway-error.ts'
import type { Io } from '../io.ts'
import { type ApiClient, apiClient, type Problem, ProblemAnswer } from './api-client.ts'
import { type ClientArguments, commonUsage, readArguments } from './arguments.ts'
import { clientCommand, forPeople } from './client-command.ts'
import { eventRow } from './event-row.ts'
import { readEventStream } from './event-stream.ts'

const retryMsMin = 250
const retryMsMax = 30_000

type Print = (text: string) => void

function queryOf(args: ClientArguments): URLSearchParams {
  const query = new URLSearchParams()
  for (const id of args.texts('charge-point')) query.append('chargePointId', id)
  for (const type of args.texts('type')) query.append('type', type)
  return query
}

/** All pages as lines, so that events are printed as they were stored. Returns the cursor behind the last. */
async function readPages(
  api: ApiClient,
  query: URLSearchParams,
  after: string | undefined,
  print: Print,
  signal: AbortSignal
): Promise<string | undefined> {
  let cursor = after
  for (let more = true; more && !signal.aborted; ) {
    if (cursor !== undefined) query.set('after', cursor)
    const page = await api.send(`/v1/events?${query}`, { headers: { accept: 'application/x-ndjson' } })
    for (const line of (await page.text()).split('\n')) if (line !== '') print(line)
    cursor = page.headers.get('cpg-next-cursor') ?? undefined
    if (cursor === undefined)
      throw new GatewayError('not_the_api', `${api.url} gives pages without a cursor: is it the API of a gateway?`)
    more = page.headers.get('cpg-more') === 'true'
  }
  return cursor
}

/** Follows the stream over broken connections and restarts of the gateway, until the user asks to stop. */
class Following {
  readonly #api: ApiClient
  readonly #io: Io
  readonly #path: string
  readonly #print: Print
  cursor: string | undefined
  #retryMs = retryMsMin

  constructor(api: ApiClient, io: Io, query: URLSearchParams, print: Print) {
    this.#api = api
    this.#io = io
    this.#path = `/v1/events?${query}`
    this.#print = print
  }

  /** The first connection has to succeed: who mistyped the address wants to know at once. */
  async run(): Promise<void> {
    const { signal } = this.#io
    for (let first = true; !signal.aborted; first = false) {
      try {
        await this.#readOnce()
        if (!signal.aborted) this.#io.err('The stream ended; reading on when the gateway is back.\n')
      } catch (error) {
        if (signal.aborted) return
        if (first || !this.#passes(error)) throw error
      }
      await this.#pause()
    }
  }

  async #readOnce(): Promise<void> {
    const { signal } = this.#io
    const headers = {
      accept: 'text/event-stream',
      ...(this.cursor === undefined ? {} : { 'last-event-id': this.cursor })
    }
    const response = await this.#api.send(this.#path, { headers, signal })
    this.#retryMs = retryMsMin
    if (!response.body) return
    try {
      for await (const message of readEventStream(response.body)) {
        if (message.id !== undefined) this.cursor = message.id
        if (message.event === 'problem') throw problemOf(message.data)
        if (message.data !== '') this.#print(message.data)
      }
    } catch (error) {
      // A connection that breaks in the middle is resumed like one that ended.
      if (!(error instanceof TypeError) || signal.aborted) throw error
    }
  }

  #passes(error: unknown): boolean {
    return error instanceof GatewayError && error.canRetry
  }

  async #pause(): Promise<void> {
    const { signal } = this.#io
    try {
      await setTimeout(this.#retryMs, undefined, { signal })
    } catch (error) {
      if (!signal.aborted) throw error
    }
    this.#retryMs = Math.min(this.#retryMs * 2, retryMsMax)
  }
}

function problemOf(data: string): ProblemAnswer {
  const problem = JSON.parse(data) as Problem
  const goOn = problem.oldest === undefined ? '' : ` Go on with --after ${problem.oldest}.`
  return new ProblemAnswer(410, problem, `${problem.title}: ${problem.detail}.${goOn}`)
}

export const events = clientCommand({
  summary: 'Print events that are kept, or follow new ones.',
  usage: `
Usage: charge-point-gateway events [OPTIONS]

  --follow             go on with new events, also over restarts of the gateway
  --after CURSOR       only what came after this cursor; \`latest\` for new events alone (default: from the oldest kept)
  --charge-point ID    only of this charge point; may be repeated
  --type T             only of this type, or of several with \`transaction.*\`; may be repeated${commonUsage}

The cursor to go on from is printed at the end on the error output.`,
  async run(argv, io) {
    const own = {
      follow: { type: 'boolean' },
      after: { type: 'string' },
      'charge-point': { type: 'string', multiple: true },
      type: { type: 'string', multiple: true }
    } as const
    const args = readArguments(argv, own, 0)
    const api = apiClient(args, io)
    const people = forPeople(io, args.flag('json'))
    const print = (text: string): void => io.out(`${people ? eventRow(text, io.columns) : text}\n`)
    const query = queryOf(args)
    const after = args.text('after')
    let cursor: string | undefined
    if (args.flag('follow')) {
      if (after !== undefined) query.set('after', after)
      const following = new Following(api, io, query, print)
      await following.run()
      cursor = following.cursor
    } else cursor = await readPages(api, query, after, print, io.signal)
    if (cursor !== undefined) io.err(`next cursor: ${cursor}\n`)
    return 0
  }
})
