import { GatewayError } from '../../lib/gateway-error.ts'
import type { Io } from '../io.ts'
import { type ClientArguments, usageFault } from './arguments.ts'

/** A problem of the API (RFC 9457), less what nobody here reads. */
export interface Problem {
  readonly code?: string
  readonly title?: string
  readonly detail?: string
  readonly remedy?: string
  readonly oldest?: string
  readonly command?: unknown
}

/** An answer of the API that is a problem. */
export class ProblemAnswer extends GatewayError {
  readonly status: number
  readonly problem: Problem

  constructor(status: number, problem: Problem, message: string) {
    super(problem.code ?? 'api_problem', message, { canRetry: status === 503 })
    this.status = status
    this.problem = problem
  }
}

export interface ApiRequest {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
  readonly signal?: AbortSignal
}

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`
}

/** What to do in the words of somebody who uses the command line. */
function remedyOf(status: number, problem: Problem): string | undefined {
  if (status === 401) return 'Give a token of `api.tokens` with --token or CPG_TOKEN.'
  if (problem.code === 'cursor_trimmed')
    return `Go on with --after ${problem.oldest ?? 'oldest'}; what lay between is gone.`
  if (problem.code === 'cursor_of_another_log' || problem.code === 'cursor_unreadable')
    return 'Leave --after out to begin at the oldest event kept, or say --after latest.'
  return problem.remedy
}

function problemMessage(status: number, problem: Problem): string {
  const what = problem.detail === undefined ? problem.title : `${problem.title}: ${problem.detail}`
  return [what ?? `The gateway answered ${status}`, remedyOf(status, problem) ?? '']
    .filter((part) => part !== '')
    .map(sentence)
    .join(' ')
}

/** The API of a gateway over HTTP. Throws `ProblemAnswer`, or `gateway_unreachable`. */
export class ApiClient {
  readonly url: string
  readonly #token: string | undefined

  constructor(url: string, token: string | undefined) {
    this.url = url.replace(/\/+$/, '')
    this.#token = token
  }

  async send(path: string, request: ApiRequest = {}): Promise<Response> {
    const { method = 'GET', body, signal } = request
    const headers = {
      ...(this.#token === undefined ? {} : { authorization: `Bearer ${this.#token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...request.headers
    }
    let response: Response
    try {
      response = await fetch(`${this.url}${path}`, {
        method,
        headers,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        ...(signal === undefined ? {} : { signal })
      })
    } catch (error) {
      throw this.#unreachable(error)
    }
    if (response.ok) return response
    throw await this.#problem(response)
  }

  async json<T>(path: string, request: ApiRequest = {}): Promise<T> {
    const response = await this.send(path, request)
    try {
      return (await response.json()) as T
    } catch (cause) {
      throw new GatewayError('not_the_api', this.#notTheApi(response.status), { cause })
    }
  }

  #notTheApi(status: number): string {
    return `${this.url} answers (${status}), but not as the API of a gateway: compare --url or CPG_URL with \`api.port\`.`
  }

  async #problem(response: Response): Promise<GatewayError> {
    const type = response.headers.get('content-type') ?? ''
    if (!type.startsWith('application/problem+json'))
      return new GatewayError('not_the_api', this.#notTheApi(response.status))
    const problem = (await response.json()) as Problem
    return new ProblemAnswer(response.status, problem, problemMessage(response.status, problem))
  }

  #unreachable(error: unknown): Error {
    if (!(error instanceof TypeError)) return error instanceof Error ? error : new Error(String(error))
    const { code, message } = (error.cause ?? error) as { code?: string; message?: string }
    return new GatewayError(
      'gateway_unreachable',
      `No gateway answers at ${this.url} (${code ?? message ?? 'no connection'}): start one with \`charge-point-gateway serve\`, or name its API with --url or CPG_URL.`,
      { cause: error, canRetry: true }
    )
  }
}

/** The API that options or environment name. Throws a usage fault. */
export function apiClient(args: ClientArguments, io: Io): ApiClient {
  const url = args.text('url') ?? (io.env.CPG_URL || 'http://127.0.0.1:8081')
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    throw usageFault(`${url} is no address of an API: --url (CPG_URL) is like http://127.0.0.1:8081`)
  return new ApiClient(url, args.text('token') ?? (io.env.CPG_TOKEN || undefined))
}
