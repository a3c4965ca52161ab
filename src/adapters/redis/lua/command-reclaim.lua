-- Take over a claim whose claimant is dead, or read its record in an earlier generation of the group and never committed it;
-- unless it was handed over: then it may be in somebody's queue.
-- KEYS: command. ARGV: node, incarnation and generation ('' if none) that were found, node, incarnation, generation ('').
-- Returns nil or { field, value, ... }.
local row = redis.call('HMGET', KEYS[1], 'state', 'handedOver', 'node', 'incarnation', 'readIn')
if row[1] ~= 'claimed' or row[2] ~= '0' or row[3] ~= ARGV[1] or row[4] ~= ARGV[2] then return false end
if (row[5] or '') ~= ARGV[3] then return false end
redis.call('HSET', KEYS[1], 'node', ARGV[4], 'incarnation', ARGV[5], 'claimant', ARGV[4])
if ARGV[6] == '' then redis.call('HDEL', KEYS[1], 'readIn') else redis.call('HSET', KEYS[1], 'readIn', ARGV[6]) end
return redis.call('HGETALL', KEYS[1])
