-- KEYS: command. Returns 1 when it is settled.
if redis.call('HGET', KEYS[1], 'state') ~= 'settled' then return 0 end
redis.call('HSET', KEYS[1], 'published', '1')
return 1
