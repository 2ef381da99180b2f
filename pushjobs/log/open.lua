-- What each script begins with. KEYS: state and stream of each channel.
-- ARGV: an epoch for channels that are new, max age (ms), max events, max bytes, and what is asked
-- of each channel, all values packed one after the other. Returns the answers, packed as one array:
-- one value each way costs a client and a server less than thousands.
--
-- A channel's head says where it stands. One that is new gets an epoch, and so does one that another
-- run of the server left behind: what was restarted, or took over, may lack the last entries and
-- would give their offsets twice. Each key may have been evicted without the other. A server that is
-- full lets no one write, but then nothing is to be written here.
--
-- It begins with a fence, that of the channel's own job, where it is the channel of one: most are, and
-- what is kept in one place is read and written at once. Other jobs have a field each.
local VERSION, ATTEMPT, SEQ, ENDED, LAST = 1, 2, 3, 4, 5
local EPOCH, RUN, OFFSET, SIZE, FIRST, OLDEST, TOUCHED, TELLS = 6, 7, 8, 9, 10, 11, 12, 13
local max_age, max_events, max_bytes = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local asked, at = ARGV[5], 0  -- Where the next value begins.
local info = redis.pcall('INFO', 'server')  -- A user may not be allowed to ask.
local run = type(info) == 'string' and string.match(info, 'run_id:(%x+)') or '-'
run = string.sub(run, 1, 16)
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
-- Keys outlive their last use by the age, and by up to an eighth of it: so that not each use has
-- to say so.
local grace = max_age / 8
local lifetime = math.ceil(max_age + grace)

local function opened(state, stream, packed)
  local head = packed and {cmsgpack.unpack(packed)}
  if head and head[RUN] == run then return head end
  redis.call('DEL', stream)
  -- What the attempt said last may be there still.
  local tells = packed and 1 or 0
  local version, attempt, seq, ended = unpack(head or {0, 0, 0, 0})
  head = {version, attempt, seq, ended, 0, ARGV[1], run, 0, 0, 1, now, now, tells}
  redis.call('HSET', state, 'head', cmsgpack.pack(unpack(head)))
  redis.call('PEXPIRE', state, lifetime)
  return head
end

local function touched(state, stream, head)
  if now - head[TOUCHED] <= grace then return false end
  head[TOUCHED] = now
  redis.call('PEXPIRE', state, lifetime)
  redis.call('PEXPIRE', stream, lifetime)
  return true
end

local function used(state, stream, head)
  -- A server that is full does not keep when that was, and is told again the next time.
  if touched(state, stream, head) then redis.pcall('HSET', state, 'head', cmsgpack.pack(unpack(head))) end
end
