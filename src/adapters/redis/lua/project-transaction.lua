-- An older row never overwrites a newer one: by epoch, then by the time of its last change.
-- KEYS: transactions, ended transactions, start key. ARGV: transaction id, epoch, updated at, state, row,
-- ended ones kept, milliseconds to remember, '1' when there is a start key.
-- Returns the state of the row that stands now.
local stored = redis.call('HGET', KEYS[1], ARGV[1])
if stored then
  local old = cjson.decode(stored)
  local epoch, updated = tonumber(ARGV[2]), tonumber(ARGV[3])
  if old.epoch > epoch or (old.epoch == epoch and old.updatedAtMs > updated) then return old.state end
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[5])
redis.call('PEXPIRE', KEYS[1], ARGV[7])
if ARGV[4] == 'open' then
  redis.call('ZREM', KEYS[2], ARGV[1])
  if ARGV[8] == '1' then
    redis.call('SET', KEYS[3], ARGV[1], 'PX', ARGV[7], 'NX')
    redis.call('PEXPIRE', KEYS[3], ARGV[7])
  end
else
  redis.call('ZADD', KEYS[2], ARGV[3], ARGV[1])
  redis.call('PEXPIRE', KEYS[2], ARGV[7])
  local over = redis.call('ZRANGE', KEYS[2], 0, -(tonumber(ARGV[6]) + 1))
  for _, id in ipairs(over) do
    redis.call('HDEL', KEYS[1], id)
    redis.call('ZREM', KEYS[2], id)
  end
  if ARGV[8] == '1' and redis.call('GET', KEYS[3]) == ARGV[1] then redis.call('DEL', KEYS[3]) end
end
return ARGV[4]
