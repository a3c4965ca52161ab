-- Register a session that is open already: higher than stored, or its own, unless that one was told as lost.
-- KEYS: owner. ARGV: node, incarnation, epoch. Returns 1 or 0.
local row = redis.call('HMGET', KEYS[1], 'epoch', 'node', 'lost')
local stored = tonumber(row[1]) or 0
local epoch = tonumber(ARGV[3])
if stored > epoch or (stored == epoch and (row[3] or (row[2] and row[2] ~= ARGV[1]))) then return 0 end
redis.call('HSET', KEYS[1], 'epoch', string.format('%.0f', epoch), 'node', ARGV[1], 'incarnation', ARGV[2])
redis.call('HDEL', KEYS[1], 'lost')
redis.call('PERSIST', KEYS[1])
return 1
