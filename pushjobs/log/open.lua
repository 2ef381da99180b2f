-- What each script begins with: KEYS: meta, stream; ARGV[1]: new epoch.
-- A channel that is new gets an epoch, and so does one that another run of the server left behind:
-- what was restarted, or took over, may lack the last entries and would give their offsets twice.
-- Each key may have been evicted without the other. A server that is full lets no one write, but
-- then nothing is to be written here.
local meta, stream = KEYS[1], KEYS[2]
local info = redis.pcall('INFO', 'server')  -- A user may not be allowed to ask.
local run = type(info) == 'string' and string.match(info, 'run_id:(%x+)') or '-'
local opened = redis.call('HMGET', meta, 'epoch', 'run')
if not opened[1] or opened[2] ~= run then
  redis.call('DEL', stream)
  redis.call('HSET', meta, 'epoch', ARGV[1], 'run', run, 'offset', 0, 'size', 0, 'first', 1)
end
