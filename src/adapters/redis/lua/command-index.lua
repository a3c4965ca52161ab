-- Which charge point a command id belongs to. KEYS: index. ARGV: charge point, milliseconds to remember.
-- Returns { charge point, Redis time in milliseconds }.
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local known = redis.call('GET', KEYS[1])
if known and known ~= ARGV[1] then return { known, now } end
if not known then
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
elseif redis.call('PTTL', KEYS[1]) < tonumber(ARGV[2]) then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return { ARGV[1], now }
