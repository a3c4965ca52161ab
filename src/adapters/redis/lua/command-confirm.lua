-- The offset of its record is committed: who claimed it may send it, and nobody takes it over any more.
-- KEYS: command. ARGV: node. Returns 1, or 0 when another node has taken it over. One that is gone is found by the write.
local row = redis.call('HMGET', KEYS[1], 'state', 'node')
if not row[1] then return 1 end
if row[2] ~= ARGV[1] then return 0 end
redis.call('HDEL', KEYS[1], 'readIn')
return 1
