-- What is due, put off at once, so that one caller at a time looks at it.
-- KEYS: deadlines. ARGV: now, at most, put off until. Returns members.
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, ARGV[2])
for _, member in ipairs(due) do redis.call('ZADD', KEYS[1], ARGV[3], member) end
return due
