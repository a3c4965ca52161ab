-- KEYS: lease. ARGV: installation, incarnation. Returns 1 when it was ours.
local row = redis.call('HMGET', KEYS[1], 'installation', 'incarnation')
if row[1] ~= ARGV[1] or row[2] ~= ARGV[2] then return 0 end
return redis.call('DEL', KEYS[1])
