-- The claimant gives it to the node that owns the charge point. KEYS: command. ARGV: claimant, node, incarnation.
-- Returns 1 or 0.
local row = redis.call('HMGET', KEYS[1], 'state', 'claimant')
if row[1] ~= 'claimed' or row[2] ~= ARGV[1] then return 0 end
local time = redis.call('TIME')
redis.call('HSET', KEYS[1], 'node', ARGV[2], 'incarnation', ARGV[3], 'handedOver', '1', 'handedAtMs',
  string.format('%.0f', tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)))
return 1
