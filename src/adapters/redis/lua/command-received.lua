-- The node that it was handed over to has the message. KEYS: command. ARGV: node.
if redis.call('HGET', KEYS[1], 'node') == ARGV[1] then redis.call('HDEL', KEYS[1], 'handedAtMs') end
return 1
