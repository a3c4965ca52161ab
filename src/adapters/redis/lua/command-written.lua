-- Before the socket write: only what is claimed, and only for the epoch that owns the charge point.
-- KEYS: command, owner. ARGV: epoch, time, node, incarnation. Returns 'written', 'refused', 'not_owner' or 'ledger_lost'.
local state = redis.call('HGET', KEYS[1], 'state')
if not state then return 'ledger_lost' end
if state ~= 'claimed' then return 'refused' end
local owner = redis.call('HMGET', KEYS[2], 'epoch', 'node')
if owner[1] ~= ARGV[1] or owner[2] ~= ARGV[3] then return 'not_owner' end
redis.call('HSET', KEYS[1], 'state', 'written', 'epoch', ARGV[1], 'writtenAtMs', ARGV[2], 'node', ARGV[3],
  'incarnation', ARGV[4])
return 'written'
