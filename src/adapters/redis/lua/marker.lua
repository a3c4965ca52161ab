-- A mark that only an emptied server lacks. KEYS: marker. ARGV: a value for a new one.
-- Returns { value, its age in milliseconds }.
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local row = redis.call('HMGET', KEYS[1], 'value', 'since')
if row[1] then return { row[1], now - tonumber(row[2]) } end
redis.call('HSET', KEYS[1], 'value', ARGV[1], 'since', string.format('%.0f', now))
return { ARGV[1], 0 }
