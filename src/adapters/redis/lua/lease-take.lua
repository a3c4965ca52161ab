-- KEYS: lease. ARGV: installation, incarnation, milliseconds. Returns { 'taken', installation, milliseconds left } or { 'ok' }.
local holder = redis.call('HGET', KEYS[1], 'installation')
if holder and holder ~= ARGV[1] then return { 'taken', holder, redis.call('PTTL', KEYS[1]) } end
redis.call('HSET', KEYS[1], 'installation', ARGV[1], 'incarnation', ARGV[2], 'adopting', '0')
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return { 'ok' }
