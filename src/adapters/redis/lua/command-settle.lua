-- Won once; the whole outcome is kept, so that whoever publishes it publishes the same.
-- KEYS: command. ARGV: outcome, settlement, time, node, incarnation, milliseconds to remember, record or '' (kept by its
-- node: stored when the entry is gone), state, epoch and written time of that record or '', '1' when the node keeps it as its own,
-- '' or what a doubt was called that has been looked into, '-' when nobody asks.
-- Returns nil, { doubt }, or { field, value, ... }.
local row = redis.call('HMGET', KEYS[1], 'state', 'node', 'incarnation', 'toldAs')
if row[1] == 'settled' then return false end
if row[1] and ARGV[11] ~= '-' then
  -- Entered anew after a loss, by a node that told of it or that took it for new: who has ended it before may be about to tell.
  local doubt = row[4] or (ARGV[10] == '1' and row[2] ~= ARGV[4] and row[2])
  if doubt and doubt ~= ARGV[11] then return { doubt } end
end
if not row[1] then
  if ARGV[7] == '' then return false end
  redis.call('HSET', KEYS[1], 'record', ARGV[7], 'claimant', ARGV[4], 'handedOver', '0', 'published', '0')
  if ARGV[8] ~= '' then redis.call('HSET', KEYS[1], 'epoch', ARGV[8]) end
  if ARGV[9] ~= '' then redis.call('HSET', KEYS[1], 'writtenAtMs', ARGV[9]) end
elseif row[1] == 'written' and ARGV[1] == 'not_sent' then
  -- It may be on its way to the charge point: only who marked it knows that it is not, and not a sweep that took it for another's.
  -- Another node that told of the mark could not say in which life it was made.
  local isMarked = ARGV[10] == '1' and row[2] == ARGV[4] and (row[3] == ARGV[5] or row[3] == '')
  if not isMarked then return false end
end
redis.call('HSET', KEYS[1], 'state', 'settled', 'settlement', ARGV[2], 'settledAtMs', ARGV[3], 'node', ARGV[4],
  'incarnation', ARGV[5])
-- It was about to be written when it ended.
if ARGV[1] == 'not_sent' then redis.call('HDEL', KEYS[1], 'writtenAtMs') end
-- Never shorter than it was: until it would have expired, whoever gave it may give it again.
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[6]) then redis.call('PEXPIRE', KEYS[1], ARGV[6]) end
return redis.call('HGETALL', KEYS[1])
