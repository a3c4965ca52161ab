import { deepStrictEqual, rejects, strictEqual } from 'node:assert'
import { type TestContext, test } from 'node:test'
import type { ControlChannel, ControlMessage, ControlReply } from '../../src/ports/control-channel.ts'
import { claimedCommand } from '../support/claimed-command.ts'

export interface ControlWorld {
  node(id: string): ControlChannel
  /** Something that is no message of a gateway, to whoever listens as `node`. */
  garbage(node: string, text: string): Promise<void>
  dispose(): Promise<void>
}

/** What every control channel does, whatever carries it. */
export function controlChannelContract(name: string, create: () => Promise<ControlWorld>): void {
  const open = async (t: TestContext) => {
    const world = await create()
    t.after(() => world.dispose())
    return world
  }
  const evict = (epoch = 7): ControlMessage => ({ kind: 'evict', chargePointId: 'CP-1', epoch })

  test(`${name}: a message comes to the node that it is for, whole, and its reply goes back`, async (t) => {
    const world = await open(t)
    const [a, b, c] = [world.node('node-a'), world.node('node-b'), world.node('node-c')]
    const heard: Record<string, ControlMessage[]> = { a: [], b: [], c: [] }
    const keep = (by: string, reply: ControlReply) => async (message: ControlMessage) => {
      heard[by]?.push(message)
      return reply
    }
    await Promise.all([
      a.listen(keep('a', 'accepted')),
      b.listen(keep('b', 'accepted')),
      c.listen(keep('c', 'not_owner'))
    ])
    const record = claimedCommand('c-1', { data: { text: 'ä "quoted" \n 充' } })
    strictEqual(await a.send('node-b', { kind: 'command', record }), 'accepted')
    strictEqual(await b.send('node-c', evict()), 'not_owner')
    strictEqual(await c.send('node-a', { kind: 'cancel', commandId: 'c-1', chargePointId: 'CP-1' }), 'accepted')
    deepStrictEqual(heard, {
      a: [{ kind: 'cancel', commandId: 'c-1', chargePointId: 'CP-1' }],
      b: [{ kind: 'command', record }],
      c: [evict()]
    })
  })

  test(`${name}: a node may ask itself`, async (t) => {
    const world = await open(t)
    const a = world.node('node-a')
    await a.listen(async () => 'accepted')
    strictEqual(await a.send('node-a', evict()), 'accepted')
  })

  test(`${name}: a node that nobody listens as is told at once`, async (t) => {
    const world = await open(t)
    const a = world.node('node-a')
    await a.listen(async () => 'accepted')
    await rejects(a.send('node-gone', evict()), { code: 'node_unreachable', canRetry: true })
  })

  test(`${name}: what is not acknowledged in time rejects`, async (t) => {
    const world = await open(t)
    const [a, b] = [world.node('node-a'), world.node('node-b')]
    await b.listen(() => new Promise(() => undefined))
    await rejects(a.send('node-b', evict()), { code: 'control_timeout', canRetry: true })
  })

  test(`${name}: a handler that fails refuses, and hears the next`, async (t) => {
    const world = await open(t)
    const [a, b] = [world.node('node-a'), world.node('node-b')]
    await a.listen(async () => 'accepted')
    await b.listen(async (message) => {
      if (message.kind === 'evict') throw new Error('no')
      return 'accepted'
    })
    await rejects(a.send('node-b', evict()), { code: 'control_refused' })
    strictEqual(await a.send('node-b', { kind: 'disconnect', chargePointId: 'CP-1' }), 'accepted')
  })

  test(`${name}: garbage costs nothing`, async (t) => {
    const world = await open(t)
    const [a, b] = [world.node('node-a'), world.node('node-b')]
    const heard: ControlMessage[] = []
    await a.listen(async () => 'accepted')
    await b.listen(async (message) => {
      heard.push(message)
      return 'accepted'
    })
    const texts = ['', 'null', '{', '[]', '{"kind":"ask"}', '{"kind":"ask","id":1,"from":"x","message":{}}']
    const inside = '{"kind":"ask","id":"1","from":"node-a","message":{"kind":"evict","chargePointId":{},"epoch":1}}'
    const proto = '{"kind":"reply","id":"__proto__","reply":"accepted"}'
    for (const text of [...texts, inside, proto]) await world.garbage('node-b', text)
    strictEqual(await a.send('node-b', evict()), 'accepted')
    deepStrictEqual(heard, [evict()])
  })

  test(`${name}: many at once each get their own reply`, async (t) => {
    const world = await open(t)
    const [a, b] = [world.node('node-a'), world.node('node-b')]
    await a.listen(async () => 'accepted')
    await b.listen(async (message) => (message.kind === 'evict' && message.epoch % 2 === 0 ? 'accepted' : 'not_owner'))
    const replies = await Promise.all(Array.from({ length: 500 }, (_, epoch) => a.send('node-b', evict(epoch))))
    strictEqual(replies.filter((reply, epoch) => reply !== (epoch % 2 === 0 ? 'accepted' : 'not_owner')).length, 0)
  })
}
