import { type EventLogSettings, eventLogContract } from '../contract/event-log.ts'
import { nodeStoreContract } from '../contract/node-store.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { Disk, DiskLife } from './disk.ts'
import { flowingTime } from './flowing-time.ts'
import { actorOf } from './scheduler.ts'

// The model of the disk is written by hand: it passes the suites that the embedded log and store pass. It has no retention, and
// keeps no record for nobody (every simulated node has a bus), so the suite of what a log lets go by itself is left out.

let disks = 0
/** The suite gives a limit in bytes, the model has one in records. */
const recordBytes = 1_000

function opened(settings: EventLogSettings = {}, clock = new FakeClock(), disk = new Disk(`log ${++disks}`)) {
  const { bytesMax = 1_000_000, requiredConsumers: [requiredConsumer = 'forwarder'] = [] } = settings
  const { scheduler, end } = flowingTime()
  const recordsMax = bytesMax / recordBytes
  const life = new DiskLife({ disk, scheduler, actor: actorOf('node-a'), clock, recordsMax, requiredConsumer })
  const close = async () => {
    await life.close()
    await end()
  }
  return {
    log: life,
    store: life,
    clock,
    reopen: async () => {
      await close()
      return opened(settings, clock, disk)
    },
    dispose: close
  }
}

eventLogContract('simulated disk', async (settings) => opened(settings))
nodeStoreContract('simulated disk', async () => opened())
