-- KEYS: roll. ARGV: value as it was read, node. Returns 1, or 0 when it began anew meanwhile.
if redis.call('HGET', KEYS[1], 'value') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'node:' .. ARGV[2], '1')
return 1
