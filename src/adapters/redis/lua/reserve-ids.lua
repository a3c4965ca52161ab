-- KEYS: counter. ARGV: count (0: only say how far ids have been given), least first id, greatest id, ids left out when the
-- counter is gone: a node that has not yet said how far it got may have taken as many since anybody heard of them.
-- Returns the first id, or nil when they are used up.
local floor = 2 * (tonumber(redis.call('TIME')[1]) - 1577836800)
local known = tonumber(redis.call('GET', KEYS[1]))
local first = math.max(known or 1, tonumber(ARGV[2]), floor, 1)
if not known then first = first + tonumber(ARGV[4]) end
local following = first + tonumber(ARGV[1])
if following - 1 > tonumber(ARGV[3]) then return false end
redis.call('SET', KEYS[1], string.format('%.0f', following))
return first
