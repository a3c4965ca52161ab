-- Take a claim over whose claimant is dead, unless it was handed over: then it may be in somebody's queue.
-- KEYS: command. ARGV: node and incarnation that were found dead, node, incarnation. Returns nil or { field, value, ... }.
local row = redis.call('HMGET', KEYS[1], 'state', 'handedOver', 'node', 'incarnation')
if row[1] ~= 'claimed' or row[2] ~= '0' or row[3] ~= ARGV[1] or row[4] ~= ARGV[2] then return false end
redis.call('HSET', KEYS[1], 'node', ARGV[3], 'incarnation', ARGV[4], 'claimant', ARGV[3])
return redis.call('HGETALL', KEYS[1])
