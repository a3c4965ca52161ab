/** A seeded source of frames that no charge point should send, for the fuzz test and `scripts/fuzz-frames.ts`. */
import { ok } from 'node:assert'
import { globSync, readFileSync } from 'node:fs'
import { decodeFrame, encodeError, encodeResult } from '../../src/protocol/frame.ts'
import { type Frame, faultNames, type MessageId } from '../../src/protocol/message.ts'
import { messageIdCharsTolerated } from '../../src/protocol/message-id.ts'
import { ocppVersions } from '../../src/protocol/version.ts'

/** mulberry32: small, and the same on every machine. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

const vectorTexts = globSync('test/fixtures/wire/*.json').flatMap((file) =>
  (JSON.parse(readFileSync(file, 'utf8')).vectors as readonly { readonly text?: string }[]).map(
    ({ text }) => text ?? ''
  )
)
const seeds: readonly string[] = [
  ...vectorTexts,
  '[2,"19223201","BootNotification",{"chargePointVendor":"V","chargePointModel":"M"}]',
  '[2,"1","MeterValues",{"connectorId":1,"transactionId":5,"meterValue":[{"timestamp":"2026-11-23T10:00:00Z","sampledValue":[{"value":"1.5","unit":"kWh"}]}]}]',
  '[4,"1","InternalError","",{"a":[1,2,{"b":null}]}]'
]
/** What breaks parsers: structure, escapes, halves of surrogate pairs, words of JavaScript, numbers at the edge. */
const pieces: readonly string[] = [
  ...'[]{}",:\\0123456789-+.eE \n\r\t\0\u{feff}\u{2028}é漢😀',
  ...['\ud800', '\udc00', '\\ud800', '\\udc00', '\\u0000', '\\x', '"__proto__":{', '"constructor"', '"toString"'],
  ...['null', 'true', 'false', '1e999', '-0', '1e-999', '9007199254740993', '[[[[[[[[', ']]]]]]]]', '[2,', '[3,"a",'],
  ...['['.repeat(150), ']'.repeat(150), '{"a":'.repeat(150), '"'.repeat(3), 'x'.repeat(300)]
]

function mutated(text: string, random: () => number): string {
  const at = Math.floor(random() * (text.length + 1))
  const to = Math.min(text.length, at + Math.floor(random() * 8))
  const piece = pieces[Math.floor(random() * pieces.length)] ?? ''
  switch (Math.floor(random() * 7)) {
    case 0:
      return text.slice(0, at)
    case 1:
      return text.slice(0, at) + text.slice(to)
    case 2:
      return text.slice(0, at) + piece + text.slice(at)
    case 3:
      return text.slice(0, at) + piece + text.slice(to)
    case 4:
      return text.slice(0, at) + text.slice(at, to).repeat(3) + text.slice(to)
    case 5:
      return text.slice(at) + text.slice(0, at)
    default:
      return text.slice(0, at) + String.fromCharCode(Math.floor(random() * 0x10000)) + text.slice(to)
  }
}

const oddValues: readonly unknown[] = [
  ...[null, true, '', 'a1', '__proto__', '\ud800', 'x'.repeat(37), 'x'.repeat(256), {}, [], [[]], { a: 1 }, '3', '4'],
  ...[0, 1, 2, 3, 4, 5, 6, 7, -1, 2.5, 2 ** 53, 1e300]
]

/** The same message with another element, one more or one less: still JSON. */
function rearranged(text: string, random: () => number): string {
  let message: unknown
  try {
    message = JSON.parse(text)
  } catch {
    return mutated(text, random)
  }
  if (!Array.isArray(message)) return mutated(text, random)
  const elements: unknown[] = message
  const value = oddValues[Math.floor(random() * oddValues.length)]
  const at = Math.floor(random() * elements.length)
  const kind = Math.floor(random() * 4)
  if (kind === 0) elements.splice(at, 1)
  else if (kind === 1) elements.splice(at, 0, value)
  else if (elements.length > 0) elements[at] = value
  return JSON.stringify(elements)
}

/** Decode `count` mutated frames and check every result. Throws with the frame that broke a promise. */
export function fuzzFrames(count: number, seed: number): ReadonlyMap<string, number> {
  const random = randomFrom(seed)
  const seen = new Map<string, number>()
  for (let n = 0; n < count; n += 1) {
    let text = seeds[Math.floor(random() * seeds.length)] ?? ''
    for (let times = Math.floor(random() * 3); times >= 0; times -= 1) {
      text = random() < 0.7 ? rearranged(text, random) : mutated(text, random)
    }
    const version = ocppVersions[Math.floor(random() * 3)] ?? '1.6'
    const leniency = random() < 0.5 ? 'strict' : 'tolerant'
    try {
      const frame = decodeFrame(text, version, leniency)
      checkFrame(frame)
      const name = frame.kind === 'fault' ? `fault ${frame.fault}` : frame.kind
      seen.set(name, (seen.get(name) ?? 0) + 1)
    } catch (cause) {
      throw new Error(`frame ${n} of seed ${seed}, ${version}, ${leniency}: ${JSON.stringify(text)}`, { cause })
    }
  }
  return seen
}

function checkFrame(frame: Frame): void {
  ok(frame.flags === undefined || frame.flags.length > 0)
  if (frame.kind === 'fault') {
    ok(faultNames.includes(frame.fault))
    ok(frame.detail.length > 0 && frame.detail.length <= 255)
    ok(!(frame.answer && frame.failsCall !== undefined), 'a CALLERROR answers only a CALL')
    if (frame.answer) JSON.parse(encodeError(frame.answer.id, frame.answer.code, frame.detail, {}, '1.6'))
    if (frame.resultError) checkId(frame.resultError.id)
    if (frame.failsCall !== undefined) checkId(frame.failsCall)
    return
  }
  checkId(frame.id)
  if (frame.kind === 'call' || frame.kind === 'send') ok(typeof frame.action === 'string')
  if (frame.kind === 'call_error' || frame.kind === 'call_result_error') {
    ok(typeof frame.code === 'string' && typeof frame.description === 'string')
    ok(frame.details !== undefined && frame.details !== null)
  } else {
    ok(frame.payload !== undefined)
    // What comes after us writes it: nothing may be too deep for that.
    JSON.stringify(frame.payload)
  }
}

function checkId(id: MessageId): void {
  ok(typeof id === 'number' ? Number.isFinite(id) : id.length > 0 && id.length <= messageIdCharsTolerated)
  const echoed: unknown = JSON.parse(encodeResult(id, {}))[1]
  ok(echoed === id, 'the echo is the id')
}
