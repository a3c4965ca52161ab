-- Who has told this server what it knows since it was started, or emptied: an old snapshot that comes back counts as neither.
-- KEYS: roll. ARGV: a value for a new one. Returns { value, since in milliseconds, signed node, ... }.
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)') or ''
if redis.call('HGET', KEYS[1], 'run') ~= run then
  local time = redis.call('TIME')
  redis.call('DEL', KEYS[1])
  redis.call('HSET', KEYS[1], 'run', run, 'value', ARGV[1], 'since',
    string.format('%.0f', tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)))
end
local reply = redis.call('HMGET', KEYS[1], 'value', 'since')
for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
  if string.sub(field, 1, 5) == 'node:' then table.insert(reply, string.sub(field, 6)) end
end
return reply
