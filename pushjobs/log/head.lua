-- Where a channel stands. KEYS: meta, stream. ARGV: new epoch, max age (ms).
-- Returns the epoch, the last offset, and the fields of the newest progress, if any.
redis.call('PEXPIRE', meta, ARGV[2])
redis.call('PEXPIRE', stream, ARGV[2])
local head = redis.call('HMGET', meta, 'epoch', 'offset', 'progress')
return {head[1], tonumber(head[2] or 0), head[3] and cmsgpack.unpack(head[3]) or {}}
