import { execFileSync } from 'node:child_process'
import { closeSync, constants, existsSync, openSync, readSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { Effect } from './effect.ts'
import { refuse } from './kit.ts'

/** A FIFO that is full from the start. */
function stalledFifo(dir: string): void {
  const path = join(dir, 'fifo')
  execFileSync('mkfifo', [path])
  const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK)
  fifos.set(dir, fd)
  for (const size of [4096, 1]) {
    try {
      for (;;) writeSync(fd, Buffer.alloc(size))
    } catch {
      // Full: that is what is wanted.
    }
  }
}
const fifos = new Map<string, number>()
let workers = 0

function drainFifo(dir: string): void {
  const fd = fifos.get(dir)
  if (fd === undefined) return
  try {
    while (readSync(fd, Buffer.alloc(65_536)) > 0);
  } catch {
    // Empty: that is what is wanted.
  }
}

export const logEffects: Readonly<Record<string, Effect>> = {
  'log.level': {
    to: 'error',
    observe: async (gateway) => {
      await gateway.stop()
      return gateway.logText().includes('accept_all')
    },
    expect: [true, false]
  },
  'log.format': {
    to: 'text',
    observe: async (gateway) => {
      await gateway.stop()
      return gateway.logText().startsWith('{')
    },
    expect: [true, false]
  },
  'log.output': {
    from: '{dir}/log',
    to: '{dir}/elsewhere',
    observe: async (gateway) => {
      await gateway.stop()
      return ['log', 'elsewhere'].map((name) => existsSync(join(gateway.dir, name)))
    },
    expect: [
      [true, false],
      [false, true]
    ]
  },
  // Known failure B1: asynchronous logging stood in the file and in no struct.
  'log.async': {
    isAlone: true,
    prepare: () => {
      workers = 0
      process.once('worker', () => workers++)
    },
    observe: async () => workers,
    expect: [1, 0]
  },
  'limits.log_buffer_bytes_max': {
    to: '1KiB',
    flags: { 'log.output': '{dir}/fifo' },
    prepare: stalledFifo,
    observe: async (gateway) => {
      await refuse(gateway, 10)
      const dropped = await gateway.metric('cpg_log_lines_dropped_total')
      drainFifo(gateway.dir)
      await gateway.stop()
      closeSync(fifos.get(gateway.dir) ?? -1)
      return dropped > 0
    },
    expect: [false, true]
  }
}
