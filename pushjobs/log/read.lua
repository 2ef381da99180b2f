-- Entries after a position. Asked: epoch ("" from the earliest), offset, limit.
-- Answers: the epoch, the last offset, whether nothing after the position is gone, and the entries
-- as the stream has them.
local answers = {}
for place = 1, #KEYS, 2 do
  local state, stream, known, after, limit = KEYS[place], KEYS[place + 1], nil, nil, nil
  at, known, after, limit = cmsgpack.unpack_limit(asked, 3, at)
  local head = opened(state, stream, redis.call('HGET', state, 'head'))
  used(state, stream, head)
  local epoch, offset = head[EPOCH], head[OFFSET]
  -- What is over the bound may not be deleted yet.
  local first = math.max(head[FIRST], offset - max_events + 1)
  local from
  if known == '' then
    from = first
  elseif known == epoch and first - 1 <= after and after <= offset then
    from = after + 1
  end
  if from then
    local found = redis.call('XRANGE', stream, from, '+', 'COUNT', limit)
    local next = found[1] and string.match(found[1][1], '^%d+')
    local gone = from <= offset and tonumber(next) ~= from or known == '' and first > 1
    answers[#answers + 1] = {epoch, offset, not gone, found}
  else
    answers[#answers + 1] = {epoch, offset, false, {}}
  end
end
return cmsgpack.pack(answers)
