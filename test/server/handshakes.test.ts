import { deepStrictEqual, strictEqual } from 'node:assert'
import type { IncomingMessage } from 'node:http'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import type { Admitted } from '../../src/gateway/wire.ts'
import { Handshakes, type PendingUpgrade } from '../../src/server/handshakes.ts'
import { FakeClock } from '../support/fake-clock.ts'

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

function start(handshakesMax: number) {
  const clock = new FakeClock(0)
  const asked: string[] = []
  const ends: string[] = []
  const answers = new Map<string, PromiseWithResolvers<Admitted>>()
  const note = (what: string) => (pending: PendingUpgrade) => ends.push(`${what} ${pending.handshake.chargePointId}`)
  const handshakes = new Handshakes({
    clock,
    handshakesMax,
    handshakeTimeoutMs: 5000,
    admit: ({ chargePointId }) => {
      asked.push(chargePointId)
      const answer = Promise.withResolvers<Admitted>()
      answers.set(chargePointId, answer)
      return answer.promise
    },
    accept: note('accepted'),
    refuse: (pending, refusal) => note(refusal.code)(pending),
    onError: note('error')
  })
  const begin = (chargePointId: string) => {
    const stream = new PassThrough()
    const handshake = { chargePointId, version: '1.6', subprotocol: 'ocpp1.6', remoteAddress: '::1' } as const
    const request = {} as IncomingMessage
    handshakes.begin({ request, stream, head: Buffer.alloc(0), handshake, deflateOffer: undefined })
    return stream
  }
  const admit = (id: string) =>
    answers.get(id)?.resolve({
      ok: true,
      open: () => {
        throw new Error('opened by accept alone')
      },
      abandon: () => ends.push(`abandoned ${id}`)
    })
  return { clock, handshakes, asked, ends, answers, begin, admit }
}

test('what is beyond the number in progress waits its turn, in order of arrival (rule 57)', async () => {
  const { asked, ends, begin, admit, handshakes } = start(2)
  for (const id of ['a', 'b', 'c', 'd']) begin(id)
  strictEqual(handshakes.size, 4)
  deepStrictEqual(asked, ['a', 'b'])
  admit('b')
  await turn()
  deepStrictEqual(asked, ['a', 'b', 'c'])
  admit('a')
  admit('c')
  await turn()
  admit('d')
  await turn()
  deepStrictEqual(ends, ['accepted b', 'accepted a', 'accepted c', 'accepted d'])
  strictEqual(handshakes.size, 0)
})

test('several handshakes of one id are all asked about at once', () => {
  const { asked, begin } = start(10)
  for (let n = 0; n < 4; n++) begin('same')
  deepStrictEqual(asked, ['same', 'same', 'same', 'same'])
})

test('a handshake that is not answered in time is refused, waiting or asked about, and abandoned later', async () => {
  const { clock, ends, begin, admit, handshakes, asked } = start(1)
  begin('a')
  begin('b')
  clock.advance(5000)
  deepStrictEqual(ends, ['not_available a', 'not_available b'])
  strictEqual(handshakes.size, 0)
  admit('a')
  await turn()
  deepStrictEqual(ends.slice(2), ['abandoned a'])
  deepStrictEqual(asked, ['a'])
  begin('c')
  deepStrictEqual(asked, ['a', 'c'])
})

test('a client that goes away is abandoned once and frees its place', async () => {
  const { clock, ends, begin, admit, asked } = start(1)
  const first = begin('a')
  const second = begin('b')
  begin('c')
  first.destroy()
  second.destroy()
  await turn()
  admit('a')
  await turn()
  deepStrictEqual([ends, asked], [['abandoned a'], ['a', 'c']])
  clock.advance(4999)
  admit('c')
  await turn()
  clock.advance(10_000)
  deepStrictEqual(ends, ['abandoned a', 'accepted c'])
})

test('a refusal of the gatekeeper is passed on, a throw is an internal error, and both free their place', async () => {
  const { ends, begin, answers, asked } = start(1)
  for (const id of ['a', 'b', 'c']) begin(id)
  answers.get('a')?.resolve({ ok: false, refusal: { code: 'unknown_charge_point' } })
  await turn()
  answers.get('b')?.reject(new Error('a bug of ours'))
  await turn()
  deepStrictEqual(ends, ['unknown_charge_point a', 'error b', 'internal_error b'])
  deepStrictEqual(asked, ['a', 'b', 'c'])
})

test('all of them can be refused at once, and nothing follows', async () => {
  const { clock, ends, begin, admit, handshakes } = start(1)
  begin('a')
  begin('b')
  handshakes.refuseAll({ code: 'shutting_down' })
  admit('a')
  await turn()
  clock.advance(10_000)
  deepStrictEqual(ends, ['shutting_down a', 'shutting_down b', 'abandoned a'])
})
