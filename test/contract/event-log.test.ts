import { openTemporaryEmbedded } from '../support/embedded.ts'
import { eventLogContract } from './event-log.ts'

eventLogContract('embedded', (settings) => openTemporaryEmbedded(settings))
