-- KEYS: command, recent commands. ARGV: record, command id, requested at, node, incarnation, milliseconds to remember,
-- recent commands kept, Redis time after which the claim comes too late: its deadline entry may have been given up,
-- generation in which its record was read or '' (not of the bus), a mark when somebody only tells of it or '' (then the node is
-- the one that it is of, and its incarnation '' when another one tells), epoch and time when it was written or ''.
-- Returns { 'claimed' }, { 'late' } or { 'exists', field, value, ... }.
if redis.call('EXISTS', KEYS[1]) == 1 then
  if ARGV[10] ~= '' and ARGV[5] ~= '' then
    local had = redis.call('HMGET', KEYS[1], 'state', 'node')
    if ARGV[11] ~= '' and had[1] == 'claimed' then
      redis.call('HSET', KEYS[1], 'state', 'written', 'epoch', ARGV[11], 'writtenAtMs', ARGV[12], 'node', ARGV[4],
        'incarnation', ARGV[5])
    elseif had[1] ~= 'settled' and had[2] == ARGV[4] then
      redis.call('HSET', KEYS[1], 'incarnation', ARGV[5])
      redis.call('HDEL', KEYS[1], 'handedAtMs')
    end
  end
  local row = redis.call('HGETALL', KEYS[1])
  table.insert(row, 1, 'exists')
  return row
end
local time = redis.call('TIME')
if tonumber(time[1]) * 1000 > tonumber(ARGV[8]) then return { 'late' } end
redis.call('HSET', KEYS[1], 'record', ARGV[1], 'state', 'claimed', 'node', ARGV[4], 'incarnation', ARGV[5],
  'claimant', ARGV[4], 'handedOver', '0', 'published', '0')
if ARGV[9] ~= '' then redis.call('HSET', KEYS[1], 'readIn', ARGV[9]) end
-- Others may have more to tell of it: see command-settle.
if ARGV[10] ~= '' then redis.call('HSET', KEYS[1], 'toldAs', ARGV[10]) end
if ARGV[11] ~= '' then
  redis.call('HSET', KEYS[1], 'state', 'written', 'epoch', ARGV[11], 'writtenAtMs', ARGV[12])
end
redis.call('PEXPIRE', KEYS[1], ARGV[6])
redis.call('ZADD', KEYS[2], ARGV[3], ARGV[2])
redis.call('ZREMRANGEBYRANK', KEYS[2], 0, -(tonumber(ARGV[7]) + 1))
if redis.call('PTTL', KEYS[2]) < tonumber(ARGV[6]) then redis.call('PEXPIRE', KEYS[2], ARGV[6]) end
return { 'claimed' }
