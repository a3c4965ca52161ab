-- The newest connection wins, in one step; it waits for no lease.
-- KEYS: owner. ARGV: node, incarnation, least epoch. Returns { epoch, former node or nil, former epoch or nil }.
local row = redis.call('HMGET', KEYS[1], 'epoch', 'node')
local seconds = tonumber(redis.call('TIME')[1]) - 1577836800
local epoch = math.max((tonumber(row[1]) or 0) + 1, tonumber(ARGV[3]), seconds)
redis.call('HSET', KEYS[1], 'epoch', string.format('%.0f', epoch), 'node', ARGV[1], 'incarnation', ARGV[2])
redis.call('HDEL', KEYS[1], 'lost')
redis.call('PERSIST', KEYS[1])
return { epoch, row[2], row[1] }
