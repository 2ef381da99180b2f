-- Entries after a position. KEYS: meta, stream.
-- ARGV: new epoch, max age (ms), epoch ("" from the earliest), offset, limit.
-- Returns the epoch, the last offset, whether nothing after the position is gone, the entries.
redis.call('PEXPIRE', meta, ARGV[2])
redis.call('PEXPIRE', stream, ARGV[2])
local head = redis.call('HMGET', meta, 'epoch', 'offset', 'first')
local epoch, offset, first = head[1], tonumber(head[2] or 0), tonumber(head[3] or 1)
local after, from, complete = tonumber(ARGV[4]), nil, 1
if ARGV[3] == '' then
  from = first
  if first > 1 then complete = 0 end
elseif ARGV[3] ~= epoch or after < first - 1 or after > offset then
  return {epoch, offset, 0, {}}
else
  from = after + 1
end
local found = redis.call('XRANGE', stream, from .. '-0', '+', 'COUNT', ARGV[5])
if from <= offset and (not found[1] or found[1][1] ~= from .. '-0') then complete = 0 end
return {epoch, offset, complete, found}
