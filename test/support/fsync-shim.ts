import { spawnSync } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const source = fileURLToPath(new URL('fsync-shim.c', import.meta.url))

function runs(command: string, ...options: string[]): boolean {
  return spawnSync(command, options, { stdio: 'ignore' }).status === 0
}

/** Compiles the shim that follows what is really on disk, and returns its path. A missing compiler is installed. */
export function buildFsyncShim(): string {
  if (!runs('cc', '--version')) {
    const installed = runs('apt-get', 'update') && runs('apt-get', 'install', '-y', 'gcc', 'libc6-dev')
    if (!installed || !runs('cc', '--version')) {
      throw new Error('the fsync proof needs a C compiler: install one as `cc` (Debian: apt-get install gcc libc6-dev)')
    }
  }
  const target = join(mkdtempSync(join(tmpdir(), 'cpg-fsync-shim-')), 'fsync-shim.so')
  const { status, stderr } = spawnSync('cc', ['-shared', '-fPIC', '-O1', '-o', target, source, '-ldl'])
  if (status !== 0) throw new Error(`the fsync shim does not compile: ${stderr}`)
  return target
}
