-- KEYS: counter. ARGV: count, least first id, greatest id. Returns the first id, or nil when they are used up.
local floor = 2 * (tonumber(redis.call('TIME')[1]) - 1577836800)
local first = math.max(tonumber(redis.call('GET', KEYS[1])) or 1, tonumber(ARGV[2]), floor, 1)
local following = first + tonumber(ARGV[1])
if following - 1 > tonumber(ARGV[3]) then return false end
redis.call('SET', KEYS[1], string.format('%.0f', following))
return first
