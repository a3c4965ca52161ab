import { openTemporaryEmbedded } from '../support/embedded.ts'
import { eventLogContract } from './event-log.ts'
import { eventLogRetentionContract } from './event-log-retention.ts'

eventLogContract('embedded', (settings) => openTemporaryEmbedded(settings))
eventLogRetentionContract('embedded', (settings) => openTemporaryEmbedded(settings))
