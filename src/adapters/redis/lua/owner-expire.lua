-- The session of this epoch died with its node: its entry may be forgotten after a while.
-- KEYS: owner. ARGV: epoch, milliseconds.
if tonumber(redis.call('HGET', KEYS[1], 'epoch')) == tonumber(ARGV[1]) then
  return redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return 0
