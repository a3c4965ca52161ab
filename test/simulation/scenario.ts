import type { SimulatedNode } from './simulated-node.ts'
import { World } from './world.ts'

/** What may go wrong in a run. Each seed has some of them. */
export const faultKinds = [
  'crash',
  'pause',
  'redis_cut',
  'redis_down',
  'redis_slow',
  'redis_emptied',
  'knowledge_away',
  'bus_cut',
  'bus_rebalance',
  'bus_set_back',
  'commit_lost',
  'control_lost',
  'control_twice',
  'disk_slow',
  'disk_full'
] as const
/** Later ones, chosen and driven by a source of their own, so that the histories without them stay what they were. */
export const laterFaultKinds = ['restart', 'skewed'] as const
type EarlierFaultKind = (typeof faultKinds)[number]
type LaterFaultKind = (typeof laterFaultKinds)[number]
export type FaultKind = EarlierFaultKind | LaterFaultKind

export interface Plan {
  readonly faults: ReadonlySet<FaultKind>
  readonly activeMs: number
}

/** What docs/operations.md says that clocks may be off. */
const skewMsMax = 2_000
const healMs = 60_000
const knockMs = 15_000
const probeMs = 35_000

/** One whole run: faults and work, then everything heals, then each charge point is sent a last command, and one by all nodes at once. */
export async function runScenario(
  seed: number,
  traceLinesKept: number
): Promise<{ readonly world: World; readonly plan: Plan }> {
  const world = new World(seed, { nodes: 2 + (seed % 2), stations: 3 + (seed % 3), traceLinesKept })
  const { random, laterRandom } = world
  const early: readonly FaultKind[] = faultKinds.filter(() => random.chance(0.35))
  const later = laterFaultKinds.filter(() => laterRandom.chance(0.25))
  const plan: Plan = { faults: new Set([...early, ...later]), activeMs: random.between(20_000, 50_000) }
  world.scheduler.say(`plan: ${[...plan.faults].join(', ')}`)
  if (plan.faults.has('skewed')) skewClocks(world)
  for (const node of world.nodes) node.start()
  await world.run(3_000)
  const untilMs = world.scheduler.nowMs + plan.activeMs
  setFaults(world, plan)
  work(world, untilMs)
  breakThings(world, plan, untilMs)
  if (plan.faults.has('restart')) restartNodes(world, untilMs)
  await world.run(plan.activeMs)
  heal(world)
  await world.run(healMs)
  // A claim whose reply was lost may have displaced a connection that nobody told; the first write finds it out.
  for (const { chargePointId } of world.stations) world.orderByApi(chargePointId, `knock-${chargePointId}`)
  await world.run(knockMs)
  for (const { chargePointId } of world.stations) world.orderByApi(chargePointId, `probe-${chargePointId}`)
  await world.run(probeMs)
  for (const { chargePointId } of world.stations) world.orderByAll(chargePointId, `probe-by-all-${chargePointId}`)
  await world.run(probeMs)
  return { world, plan }
}

function setFaults({ network, controlFaults, bus }: World, { faults }: Plan): void {
  if (faults.has('redis_slow')) Object.assign(network.faults, { timeoutChance: 0.02, delayMsMax: 80 })
  if (faults.has('control_lost')) controlFaults.lostChance = 0.2
  if (faults.has('control_twice')) controlFaults.twiceChance = 0.3
  if (faults.has('commit_lost')) bus.commitLossChance = 0.2
}

/** Of the nodes; Redis, the bus and the charge points go by the true time. */
function skewClocks({ nodes, laterRandom, scheduler }: World): void {
  for (const node of nodes) {
    node.skewMs = laterRandom.between(-skewMsMax, skewMsMax)
    scheduler.say(`${node.name}: its clock is ${node.skewMs} ms ahead`)
  }
}

/** One node is stopped and started again, or one after the other, as a new version is rolled out. */
function restartNodes(world: World, untilMs: number): void {
  const { laterRandom: random, scheduler, nodes } = world
  scheduler.after(random.between(1_000, 15_000), world.world, () => {
    if (scheduler.nowMs >= untilMs) return
    const isRolling = random.chance(0.4)
    const picked = isRolling ? nodes : [random.pick(nodes)]
    let atMs = 0
    for (const node of picked) {
      const deadlineMs = random.between(500, 12_000)
      const downMs = random.between(0, 4_000)
      scheduler.after(atMs, world.world, () => node?.stop(deadlineMs, downMs))
      atMs += random.between(0, 10_000)
    }
    restartNodes(world, untilMs)
  })
}

/** Backends give commands, by any node and by the bus, and say some of them again. */
function work(world: World, untilMs: number): void {
  const { random, scheduler } = world
  scheduler.after(random.between(100, 1_500), world.world, () => {
    if (scheduler.nowMs >= untilMs) return
    const chargePointId = random.pick(world.stations)?.chargePointId ?? ''
    const again = random.pick(world.ordersToRepeat())
    const what = random.next()
    if (what < 0.4) world.orderByApi(chargePointId)
    else if (what < 0.85) world.orderByBus(chargePointId)
    else if (again) world.orderByApi(again.chargePointId, again.id)
    work(world, untilMs)
  })
}

function breakThings(world: World, plan: Plan, untilMs: number): void {
  const { random, scheduler } = world
  const kinds = faultKinds.filter((kind) => plan.faults.has(kind))
  if (kinds.length === 0) return
  scheduler.after(random.between(500, 8_000), world.world, () => {
    if (scheduler.nowMs >= untilMs) return
    const kind = random.pick(kinds)
    if (kind) breakOne(world, kind)
    breakThings(world, plan, untilMs)
  })
}

function breakOne(world: World, kind: EarlierFaultKind): void {
  const { random, scheduler, network, bus, redis } = world
  const node = random.pick(world.nodes)
  if (!node) return
  const forMs = random.between(500, 12_000)
  const later = (run: () => void) => scheduler.after(forMs, world.world, run)
  switch (kind) {
    case 'crash':
      node.crash()
      later(() => node.start())
      return
    case 'pause':
      if (node.isUp) node.pause(forMs)
      return
    case 'redis_cut':
      network.cut(node.name, 'redis')
      later(() => network.mend(node.name, 'redis'))
      return
    case 'redis_down':
      for (const { name } of world.nodes) network.cut(name, 'redis')
      later(() => {
        for (const { name } of world.nodes) network.mend(name, 'redis')
      })
      return
    case 'redis_emptied':
      redis.flush()
      return
    case 'knowledge_away':
      takeKnowledgeAway(world, node, later)
      return
    case 'bus_cut':
      network.cut(node.name, 'bus')
      later(() => network.mend(node.name, 'bus'))
      return
    case 'bus_rebalance':
      bus.rebalance()
      return
    case 'bus_set_back':
      bus.setBack(random.between(1, 10))
      return
    case 'disk_slow':
      scheduler.say(`${node.name}: its disk is slow`)
      node.disk.commitMsMax = random.between(100, 1_500)
      later(() => {
        node.disk.commitMsMax = 4
      })
      return
    case 'disk_full':
      scheduler.say(`${node.name}: its disk is full`)
      node.disk.isFull = true
      later(() => {
        node.disk.isFull = false
      })
      return
    default:
      return
  }
}

/** A node is gone, Redis is emptied meanwhile, and what was given a moment ago is given again, to those who know nothing of it. */
function takeKnowledgeAway(world: World, node: SimulatedNode, later: (run: () => void) => void): void {
  const { random, scheduler, network, bus, redis } = world
  if (random.chance(0.6)) {
    node.crash()
    later(() => node.start())
  } else {
    network.cut(node.name, 'redis')
    later(() => network.mend(node.name, 'redis'))
  }
  scheduler.after(random.between(0, 1_000), world.world, () => {
    redis.flush()
    for (let n = 0; n < 4; n++) {
      scheduler.after(random.between(0, 10_000), world.world, () => {
        const again = random.pick(world.ordersToRepeat())
        if (n === 0) bus.setBack(random.between(1, 6))
        else if (again) world.orderByApi(again.chargePointId, again.id)
      })
    }
  })
}

function heal(world: World): void {
  const { network, controlFaults, bus, nodes, stations, scheduler } = world
  scheduler.say('everything heals')
  Object.assign(network.faults, { timeoutChance: 0, delayMsMax: 8 })
  Object.assign(controlFaults, { lostChance: 0, twiceChance: 0 })
  bus.commitLossChance = 0
  for (const node of nodes) {
    network.mend(node.name, 'redis')
    network.mend(node.name, 'bus')
    node.disk.isFull = false
    node.disk.commitMsMax = 4
    node.actor.pausedUntilMs = Math.min(node.actor.pausedUntilMs, scheduler.nowMs)
    node.start()
  }
  for (const station of stations) station.isCalm = true
}
