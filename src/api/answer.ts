import type { FastifyReply } from 'fastify'
import { nearestUtcText } from '../lib/utc-text.ts'
import { type ProblemCode, problemBody, problems } from './problems.ts'

/** Answer with a problem of the catalogue. */
export function sendProblem(
  reply: FastifyReply,
  code: ProblemCode,
  detail?: string,
  members: Readonly<Record<string, unknown>> = {}
): FastifyReply {
  return reply
    .code(problems[code].status)
    .header('content-type', 'application/problem+json; charset=utf-8')
    .send(JSON.stringify(problemBody(code, detail, members)))
}

/** Milliseconds since 1970 as RFC 3339. Never throws: backends name times too. */
export function isoTime(ms: number): string {
  return nearestUtcText(ms)
}
