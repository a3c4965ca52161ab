-- An older epoch never overwrites a newer one. KEYS: record. ARGV: epoch, record, milliseconds to remember. Returns 1 or 0.
local stored = tonumber(redis.call('HGET', KEYS[1], 'epoch')) or 0
if stored > tonumber(ARGV[1]) then return 0 end
redis.call('HSET', KEYS[1], 'epoch', ARGV[1], 'record', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
