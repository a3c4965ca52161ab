import { openTemporaryEmbedded } from '../support/embedded.ts'
import { nodeStoreContract } from './node-store.ts'

nodeStoreContract('embedded', () => openTemporaryEmbedded())
