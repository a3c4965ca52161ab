import { openTemporaryEmbedded } from '../support/embedded.ts'
import { sessionRegistryContract } from './session-registry.ts'

sessionRegistryContract('embedded', () => openTemporaryEmbedded())
