-- Append records to one channel; the same decisions as pushjobs.log.contract.Fence.
-- KEYS: meta, stream. ARGV: new epoch, max events, max bytes, max age (ms), then per record:
-- type, job, attempt, version, seq, ends ("1" where the attempt says nothing after it), body.
-- Returns the epoch, then per record its offset, or 0 where it was refused.
local max_events, max_bytes, max_age = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local head = redis.call('HMGET', meta, 'epoch', 'offset', 'size', 'first')
local epoch, offset = head[1], tonumber(head[2] or 0)
local size, first = tonumber(head[3] or 0), tonumber(head[4] or 1)
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local reply = {epoch}
local fences = {}
for i = 5, #ARGV, 7 do
  local kind, job, body = ARGV[i], ARGV[i + 1], ARGV[i + 6]
  local attempt, version, seq = tonumber(ARGV[i + 2]), tonumber(ARGV[i + 3]), tonumber(ARGV[i + 4])
  local key = 'job:' .. job
  local fence = fences[key]
  if not fence then
    fence = {0, 0, 0, 0, 0}  -- version, attempt, seq, whether it has ended, last offset
    local kept = redis.call('HGET', meta, key)
    if kept then
      fence = {}
      for number in string.gmatch(kept, '%d+') do fence[#fence + 1] = tonumber(number) end
    end
    fences[key] = fence
  end
  local refused = attempt < fence[2]
  if version > 0 then
    refused = refused or version <= fence[1]
  elseif attempt == fence[2] then
    refused = refused or fence[4] == 1 or seq <= fence[3]
  end
  if refused then
    reply[#reply + 1] = 0
  else
    if version > 0 then fence[1] = version end
    if attempt > fence[2] then fence[2], fence[3], fence[4] = attempt, 0, 0 end
    fence[3] = math.max(fence[3], seq)
    if version > 0 then fence[4] = tonumber(ARGV[i + 5]) end
    offset = offset + 1
    fence[5] = offset
    size = size + #body
    local fields = {'t', tostring(now), 'k', kind, 'j', job, 'a', ARGV[i + 2], 'v', ARGV[i + 3],
      's', ARGV[i + 4], 'b', body}
    redis.call('XADD', stream, offset .. '-0', unpack(fields))
    if kind == 'job.progress' then
      -- Kept apart, because it is asked for when its entry is gone.
      redis.call('HSET', meta, 'progress', cmsgpack.pack({offset .. '-0', fields}))
    elseif version > 0 then
      redis.call('HDEL', meta, 'progress')
    end
    reply[#reply + 1] = offset
  end
end
for key, fence in pairs(fences) do
  redis.call('HSET', meta, key, table.concat(fence, ' '))
end
while first <= offset do
  local oldest = redis.call('XRANGE', stream, first .. '-0', first .. '-0')[1]
  local fields = oldest and oldest[2]
  local fits = offset - first < max_events and size <= max_bytes
  if fields and fits and now - tonumber(fields[2]) <= max_age then break end
  if fields then
    size = size - #fields[14]
    redis.call('XDEL', stream, first .. '-0')
  end
  first = first + 1
end
if redis.call('HLEN', meta) > 2 * max_events then
  -- A job that has ended needs no fence once its entries are gone.
  local kept = redis.call('HGETALL', meta)
  for i = 1, #kept, 2 do
    local ended, last = string.match(kept[i + 1], '^%d+ %d+ %d+ (%d) (%d+)$')
    if string.sub(kept[i], 1, 4) == 'job:' and ended == '1' and tonumber(last) < first then
      redis.call('HDEL', meta, kept[i])
    end
  end
end
redis.call('HSET', meta, 'offset', offset, 'size', size, 'first', first)
redis.call('PEXPIRE', meta, max_age)
redis.call('PEXPIRE', stream, max_age)
return reply
