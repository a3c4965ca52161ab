-- The epoch stays behind for a while, so that the next one is greater.
-- KEYS: owner. ARGV: node, epoch, milliseconds to remember the epoch. Returns 1 or 0.
local row = redis.call('HMGET', KEYS[1], 'epoch', 'node')
if row[2] ~= ARGV[1] or tonumber(row[1]) ~= tonumber(ARGV[2]) then return 0 end
redis.call('HDEL', KEYS[1], 'node', 'incarnation')
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
