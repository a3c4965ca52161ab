-- KEYS: open epochs, their rows. ARGV: key, row.
redis.call('ZADD', KEYS[1], 0, ARGV[1])
return redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
