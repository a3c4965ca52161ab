-- Renew what is ours. What is missing, or is an earlier life's (an old snapshot came back), is taken with a new incarnation.
-- KEYS: lease. ARGV: installation, incarnation, milliseconds, adopting ('0' or '1'), incarnation to take when it was lost.
-- Returns 'held', 'lost' or 'taken'.
local row = redis.call('HMGET', KEYS[1], 'installation', 'incarnation')
if row[1] and row[1] ~= ARGV[1] then return 'taken' end
local held = row[2] == ARGV[2]
if held then
  redis.call('HSET', KEYS[1], 'adopting', ARGV[4])
else
  redis.call('HSET', KEYS[1], 'installation', ARGV[1], 'incarnation', ARGV[5], 'adopting', '1')
end
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return held and 'held' or 'lost'
