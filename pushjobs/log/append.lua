-- Append records; the same decisions as pushjobs.log.contract.Fence.
-- Asked: how many records, of how many jobs beside the channel's own, and the ids of those; and of each
-- record the place of its job (0 for the channel's own), ends (1 where the attempt says nothing after
-- it), and its entry: type, job, attempt, version, seq, body. Answers, one after the other: the epoch,
-- then per record its offset, or 0 where it was refused.
local call, sub = redis.call, string.sub
local pack, unpacked = cmsgpack.pack, cmsgpack.unpack
local unpack_one, unpack_limit = cmsgpack.unpack_one, cmsgpack.unpack_limit
local made_at = '-' .. now  -- The second part of an entry's id.
local answers, answered = {}, 0

local function answer(value)
  answered = answered + 1
  answers[answered] = value
end

local function admits(fence, attempt, version, seq, ends)
  if attempt < fence[ATTEMPT] then return false end
  if version > 0 then
    if version <= fence[VERSION] then return false end
    fence[VERSION] = version
  elseif attempt == fence[ATTEMPT] and (fence[ENDED] == 1 or seq <= fence[SEQ]) then
    return false
  end
  if attempt > fence[ATTEMPT] then fence[ATTEMPT], fence[SEQ], fence[ENDED] = attempt, 0, 0 end
  if seq > fence[SEQ] then fence[SEQ] = seq end
  if version > 0 then fence[ENDED] = ends end
  return true
end

local function add(stream, id, entry)
  if not call('XADD', stream, 'NOMKSTREAM', id, 'e', entry) then
    call('XADD', stream, id, 'e', entry)
    call('PEXPIRE', stream, lifetime)
  end
end

-- Delete from the front what does not fit, in lumps: an eighth more than the bound may be there.
local function trim(stream, head)
  local offset, size, first, oldest = head[OFFSET], head[SIZE], head[FIRST], head[OLDEST]
  local over = offset - first + 1 - max_events
  if over <= max_events / 8 and size <= max_bytes and now - oldest <= max_age then return end
  local fits = false
  repeat
    local found = call('XRANGE', stream, first, '+', 'COUNT', 100)
    for _, each in ipairs(found) do
      local number, moment = string.match(each[1], '(%d+)-(%d+)')
      first, oldest = tonumber(number), tonumber(moment)
      fits = offset - first < max_events and size <= max_bytes and now - oldest <= max_age
      if fits then break end
      size = size - #select(6, unpacked(each[2][2]))
      first = first + 1
    end
    if not found[1] then first, size, oldest = offset + 1, 0, now end
  until fits or first > offset
  call('XTRIM', stream, 'MINID', first)
  head[SIZE], head[FIRST], head[OLDEST] = size, first, oldest
end

-- A job that has ended needs no fence once its entries are gone.
local function forget(state, first)
  if call('HLEN', state) <= 2 * max_events then return end
  local kept = call('HGETALL', state)
  for place = 1, #kept, 2 do
    if string.sub(kept[place], 1, 4) == 'job:' then
      local fence = {unpacked(kept[place + 1])}
      if fence[ENDED] == 1 and fence[LAST] < first then call('HDEL', state, kept[place]) end
    end
  end
end

local function append(state, stream)
  local count, others, job
  at, count, others = unpack_limit(asked, 2, at)
  local head, names, fences, new, progress
  if others == 0 then
    head = opened(state, stream, call('HGET', state, 'head'))
  else
    names = {'head'}
    for place = 1, others do
      at, job = unpack_one(asked, at)
      names[place + 1] = 'job:' .. job
    end
    local kept = call('HMGET', state, unpack(names))
    head, fences = opened(state, stream, kept[1]), {}
    for place = 1, others do
      local packed = kept[place + 1]
      fences[place] = packed and {unpacked(packed)} or {0, 0, 0, 0, 0}
      new = new or not packed
    end
  end
  local offset, size = head[OFFSET], head[SIZE]
  answer(head[EPOCH])
  for _ = 1, count do
    local place, ends, kind, _, attempt, version, seq, body
    local from = at
    at, place, ends, kind, _, attempt, version, seq, body = unpack_limit(asked, 8, at)
    local fence = place == 0 and head or fences[place]
    if admits(fence, attempt, version, seq, ends) then
      if offset < head[FIRST] then head[OLDEST] = now end
      offset = offset + 1
      fence[LAST] = offset
      -- As it came, from behind ``place`` and ``ends``.
      local entry = sub(asked, from + (place < 128 and 3 or place < 256 and 4 or 5), at)
      add(stream, offset .. made_at, entry)
      size = size + #body
      if kind == 'job.progress' then
        progress = pack(offset, entry)  -- Kept apart, because it is asked for when its entry is gone.
      elseif version > 0 then
        progress = false
      end
      answer(offset)
    else
      answer(0)
    end
  end
  head[OFFSET], head[SIZE] = offset, size
  trim(stream, head)
  touched(state, stream, head)
  if progress == false and head[TELLS] == 1 then call('HDEL', state, 'progress') end
  if progress ~= nil then head[TELLS] = progress and 1 or 0 end
  if others == 0 and not progress then
    call('HSET', state, 'head', pack(unpack(head)))
    return
  end
  local fields = {'head', pack(unpack(head))}
  for place = 1, others do
    fields[2 * place + 1] = names[place + 1]
    fields[2 * place + 2] = pack(unpack(fences[place]))
  end
  if progress then
    fields[#fields + 1] = 'progress'
    fields[#fields + 1] = progress
  end
  call('HSET', state, unpack(fields))
  if new then forget(state, head[FIRST]) end
end

for place = 1, #KEYS, 2 do append(KEYS[place], KEYS[place + 1]) end
return pack(answers)
