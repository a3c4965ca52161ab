-- Before the socket write: only what is claimed, and only for the epoch that owns the charge point.
-- KEYS: command, owner. ARGV: epoch, time, node, incarnation, '1' when it was written before the ledger lost its data: then
-- nobody is asked whether it may be. Returns 'written', 'refused', 'not_owner' or 'ledger_lost'.
local row = redis.call('HMGET', KEYS[1], 'state', 'epoch')
if not row[1] then return 'ledger_lost' end
if row[1] ~= 'claimed' then return 'refused' end
if ARGV[5] ~= '1' then
  if row[2] and row[2] ~= ARGV[1] then return 'refused' end
  local owner = redis.call('HMGET', KEYS[2], 'epoch', 'node')
  if owner[1] ~= ARGV[1] or owner[2] ~= ARGV[3] then return 'not_owner' end
end
redis.call('HSET', KEYS[1], 'state', 'written', 'epoch', ARGV[1], 'writtenAtMs', ARGV[2], 'node', ARGV[3],
  'incarnation', ARGV[4])
return 'written'
