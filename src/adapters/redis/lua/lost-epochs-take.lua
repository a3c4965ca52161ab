-- Open epochs of a node without a lease, each put aside for who got it.
-- KEYS: lease, open epochs, their rows. ARGV: at most, milliseconds to put it aside. Returns rows.
if redis.call('EXISTS', KEYS[1]) == 1 then return {} end
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local rows = {}
for _, key in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', string.format('%.0f', now), 'LIMIT', 0, ARGV[1])) do
  local row = redis.call('HGET', KEYS[3], key)
  if row then
    redis.call('ZADD', KEYS[2], string.format('%.0f', now + tonumber(ARGV[2])), key)
    rows[#rows + 1] = row
  else
    redis.call('ZREM', KEYS[2], key)
  end
end
return rows
