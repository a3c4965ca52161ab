-- The epoch of a dead node is told as lost: from now on nobody adopts it, and its entry may be forgotten after a while.
-- KEYS: owner. ARGV: epoch, incarnation that was found dead, milliseconds. Returns 0 when it was adopted meanwhile: it lives.
local row = redis.call('HMGET', KEYS[1], 'epoch', 'incarnation')
local stored = tonumber(row[1]) or 0
local epoch = tonumber(ARGV[1])
if stored > epoch then return 1 end
if stored == epoch then
  if (row[2] or '') ~= ARGV[2] then return 0 end
else
  -- Admitted while Redis was away, and not adopted yet: the newest connection all the same.
  redis.call('HDEL', KEYS[1], 'node', 'incarnation')
end
redis.call('HSET', KEYS[1], 'epoch', string.format('%.0f', epoch), 'lost', '1')
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
