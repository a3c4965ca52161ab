import { realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cachedFolder } from '../cache.ts'
import { findProgram, type Wanted } from '../programs.ts'
import { runCommand } from '../run-command.ts'

const downloadTimeoutMs = 5 * 60_000
const oldestJava = 17
const pom = fileURLToPath(new URL('./pom.xml', import.meta.url))

/** Also in `pom.xml`, which a test compares. */
export const kafkaVersion = '4.3.1'

/** Java from JAVA_HOME or the PATH, 17 or newer. */
export const java: Wanted = {
  command: 'java',
  debianPackage: 'openjdk-17-jre-headless',
  place: 'usr/lib/jvm/java-17-openjdk-*/bin/java',
  ...(process.env.JAVA_HOME ? { preferred: join(process.env.JAVA_HOME, 'bin/java') } : {}),
  accepts: async (path) => (await javaVersion(path)) >= oldestJava
}

const maven: Wanted = { command: 'mvn', debianPackage: 'maven', place: 'usr/share/maven/bin/mvn' }

async function javaVersion(path: string): Promise<number> {
  try {
    // "openjdk 17.0.15 2025-04-15"; Java 8 knows no --version and fails.
    const [, major] = /^\S+ (\d+)/.exec(await runCommand(path, ['--version'])) ?? []
    return Number(major ?? 0)
  } catch {
    // One that does not run is none.
    return 0
  }
}

/** Folder with the jars of a broker and its tools; brought by Maven the first time (45 MB). */
export async function kafkaJars(): Promise<string> {
  return await cachedFolder(`kafka-${kafkaVersion}`, async (folder) => {
    const runtime = await findProgram(java)
    const mvn = await findProgram(maven)
    const home = dirname(dirname(realpathSync(runtime.path)))
    await runCommand(
      mvn.path,
      // biome-ignore format: one option and its value after the other
      ['--batch-mode', '--quiet', '--no-transfer-progress', '--file', pom, 'dependency:copy-dependencies',
        `-DoutputDirectory=${folder}`, '-DincludeScope=runtime'],
      { env: { ...runtime.env, ...mvn.env, JAVA_HOME: home }, timeoutMs: downloadTimeoutMs }
    )
  })
}

/** Class path of a folder of jars. */
export const allJarsOf = (folder: string): string => join(folder, '*')
