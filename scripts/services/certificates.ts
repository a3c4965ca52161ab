import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { findProgram } from './programs.ts'
import { runCommand } from './run-command.ts'

/** Files in PEM. Made for one run, never kept. */
export interface Certificates {
  readonly ca: string
  readonly serverCertificate: string
  readonly serverKey: string
  readonly clientCertificate: string
  readonly clientKey: string
  /** Key and certificate in one file, as Kafka wants them. */
  readonly serverKeyStore: string
}

/** An authority, a server's certificate for 127.0.0.1 and localhost, and a client's. */
export async function makeCertificates(parent: string): Promise<Certificates> {
  const folder = join(parent, 'certificates')
  mkdirSync(folder, { recursive: true })
  const openssl = await findProgram({ command: 'openssl', debianPackage: 'openssl' })
  const file = (name: string) => join(folder, name)
  const make = (name: string, subject: string, extra: readonly string[]) =>
    runCommand(
      openssl.path,
      // biome-ignore format: one option and its value after the other
      ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2',
        '-subj', `/CN=${subject}`, '-keyout', file(`${name}.key`), '-out', file(`${name}.pem`), ...extra],
      { env: openssl.env }
    )
  const signed = ['-CA', file('ca.pem'), '-CAkey', file('ca.key'), '-addext', 'basicConstraints=critical,CA:FALSE']
  await make('ca', 'authority of a test', [])
  await make('server', 'localhost', [...signed, '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost'])
  await make('client', 'client of a test', signed)
  const serverKeyStore = file('server-key-store.pem')
  writeFileSync(serverKeyStore, readFileSync(file('server.key'), 'utf8') + readFileSync(file('server.pem'), 'utf8'))
  return {
    ca: file('ca.pem'),
    serverCertificate: file('server.pem'),
    serverKey: file('server.key'),
    clientCertificate: file('client.pem'),
    clientKey: file('client.key'),
    serverKeyStore
  }
}
