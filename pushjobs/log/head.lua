-- Where channels stand. Asked: whether the newest progress is wanted.
-- Answers: the epoch, the last offset, and the newest progress (offset, entry) or false.
local answers, wanted = {}, nil
for place = 1, #KEYS, 2 do
  local state, stream = KEYS[place], KEYS[place + 1]
  at, wanted = cmsgpack.unpack_one(asked, at)
  local kept = redis.call('HMGET', state, 'head', wanted and 'progress' or 'head')
  local head = opened(state, stream, kept[1])
  used(state, stream, head)
  local newest = wanted and kept[2] and {cmsgpack.unpack(kept[2])} or false
  answers[#answers + 1] = {head[EPOCH], head[OFFSET], newest}
end
return cmsgpack.pack(answers)
