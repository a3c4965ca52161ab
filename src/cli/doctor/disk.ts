import { resolve } from 'node:path'
import { formatSize } from '../../lib/size.ts'
import { type Examined, type Finding, fail, ok, warn } from './finding.ts'

/** Besides the event log: the node's own tables, and room for the store to breathe. */
const besideTheLog = 64 * 1024 ** 2

/** The folder of everything durable: ours, writable, with room for what it may grow to, on a disk that is fast enough. */
export async function dataDir({ config, isSet, machine }: Examined): Promise<Finding[]> {
  const path = resolve(config.dataDir)
  const disk = await machine.disk(path)
  if (!disk.writable)
    return [
      fail(
        'data_dir',
        `${disk.existing} cannot be written`,
        'give the user of the gateway read and write access, or set another data_dir'
      )
    ]
  const findings: Finding[] = []
  const exists = disk.existing === path
  const problem = exists ? machine.dataDirProblem(path) : undefined
  if (problem === undefined) findings.push(ok('data_dir', exists ? `${path} is ready` : `${path} will be made`))
  else if (problem.code === 'data_dir_in_use')
    findings.push(ok('data_dir', `${path} is in use by a running gateway; each needs one of its own`))
  else findings.push(fail('data_dir', problem.message, 'set another data_dir, or do as the message says'))

  const needed = config.eventLog.bytesMax + besideTheLog
  const found = `${formatSize(disk.freeBytes)} free, ${formatSize(disk.usedBytes)} used; event_log.bytes_max ${formatSize(config.eventLog.bytesMax)}`
  if (disk.freeBytes + disk.usedBytes >= needed) findings.push(ok('disk_space', found))
  else {
    const holds = formatSize(Math.max(0, disk.freeBytes + disk.usedBytes - besideTheLog))
    const advice = `free some space, or set event_log.bytes_max to at most ${holds}`
    findings.push(isSet('event_log.bytes_max') ? fail('disk_space', found, advice) : warn('disk_space', found, advice))
  }
  findings.push(diskSpeed(await machine.fsyncTimes(disk.existing)))
  return findings
}

/** Every answer of a durable message waits for an fsync. */
function diskSpeed(times: readonly number[]): Finding {
  const sorted = [...times].sort((a, b) => a - b)
  const medianMs = sorted[Math.floor(sorted.length / 2)] ?? 0
  const worstMs = sorted.at(-1) ?? 0
  const found = `a write to the disk takes ${medianMs.toFixed(2)} ms (median of ${sorted.length}), at worst ${worstMs.toFixed(2)} ms`
  if (medianMs <= 20) return ok('disk_speed', found)
  return warn('disk_speed', found, 'every answer waits for the disk: put data_dir on a local SSD')
}
